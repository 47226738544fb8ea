using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Weights;

public sealed class PickleTests
{
    private static readonly byte[] s_four = [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64]; // 1, 2, 3, 4

    private static PickleBytes Dictionary => new PickleBytes().Op("}"u8);

    private static string Refused(byte[] content) => Assert.Throws<DiffSynthException>(() => WeightFile.Open(content, "x.ckpt").Dispose()).Message;

    private static float[] Values(byte[] content, string name)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(content, "x.ckpt");
        return file.Read(name).to(float32).data<float>().ToArray();
    }

    [Fact]
    public void A_view_is_read_through_its_strides()
        => Assert.Equal([2f, 4f], Values(Dictionary.Text("w").Tensor("0", "FloatStorage", 4, [2], [2], offset: 1).Op("s"u8).Archive(("0", s_four)), "w"));

    [Fact]
    public void Float8_tensors_name_their_type_themselves()
        => Assert.Equal([1f, -1f],
            Values(Dictionary.Text("w").Tensor("0", "UntypedStorage", 2, [2], [1], type: "float8_e4m3fn").Op("s"u8).Archive(("0", [0x38, 0xb8])), "w"));

    [Fact]
    public void A_large_archive_s_zip64_fields_are_read()
    {
        var archive = PickleBytes.Zip([("a/data.pkl", Dictionary.Text("w").Floats().Op("s"u8).End()), ("a/data/0", s_four)],
            wide: true);
        Assert.Equal([1f, 2f, 3f, 4f], Values(archive, "w"));
    }

    [Fact]
    public void An_ordered_dictionary_may_be_made_from_pairs()
    {
        var pairs = new PickleBytes().Global("collections", "OrderedDict").Op("(]]"u8).Text("w").Op("a"u8).Floats().Op("aatR"u8);
        Assert.Equal([1f, 2f, 3f, 4f], Values(pairs.Archive(("0", s_four)), "w"));
    }

    [Fact]
    public void A_dictionary_met_twice_is_listed_once()
    {
        var shared = Dictionary.Op("("u8).Text("first").Op("}"u8).Text("w").Floats().Op("sq\u0001"u8).Text("again").Op("h\u0001u"u8);
        using var file = WeightFile.Open(shared.Archive(("0", s_four)), "x");
        Assert.Equal(["first/w"], file.Entries.Keys);
    }

    [Fact]
    public void Unknown_classes_are_skipped_without_being_looked_up()
    {
        var content = Dictionary.Op("("u8).Text("callback").Global("my_company.callbacks", "Thing").Op(")R}"u8).Text("a").Op("Nsb"u8)
            .Text("w").Floats().Op("u"u8).Archive(("0", s_four));
        Assert.Equal([1f, 2f, 3f, 4f], Values(content, "w"));
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("builtins", "exec")]
    [InlineData("torch", "load")]
    [InlineData("runpy", "_run_code")]
    [InlineData("pickle", "loads")]
    public void A_function_that_runs_things_is_refused_by_name(string module, string name)
        => Assert.Contains($"{module}.{name}", Refused(Dictionary.Text("x").Global(module, name).Op("s"u8).Archive()));

    [Theory]
    [InlineData("_rebuild_qtensor")]
    [InlineData("_rebuild_sparse_tensor")]
    public void A_tensor_of_another_kind_is_refused_by_what_makes_it(string function)
        => Assert.Contains(function, Refused(Dictionary.Text("x").Global("torch._utils", function).Op(")Rs"u8).Archive()));

    [Fact]
    public void A_whole_model_object_is_refused_by_its_class()
        => Assert.Contains("ldm.models.Diffusion. Save its state_dict",
            Refused(new PickleBytes().Global("ldm.models", "Diffusion").Op([(byte)')', 0x81]).Archive()));

    [Fact]
    public void A_storage_declared_twice_and_differently_is_refused()
    {
        var content = Dictionary.Op("("u8).Text("a").Floats().Text("b").Tensor("0", "HalfStorage", 8, [8], [1]).Op("u"u8);
        Assert.Contains("declared twice", Refused(content.Archive(("0", s_four))));
    }

    [Fact]
    public void A_pickle_of_millions_of_steps_is_refused()
    {
        var endless = new PickleBytes();
        for (var i = 0; i < 1_000_001; i++) endless.Op("N0"u8);
        Assert.Contains("more than 2000000 steps", Refused(endless.Archive()));
    }

    [Fact]
    public void Control_characters_of_a_name_do_not_reach_the_message()
    {
        var message = Refused(Dictionary.Text("a\n\u001b[31mb").Floats(5).Op("s"u8).Archive(("0", s_four)));
        Assert.Contains(@"'a\u000a\u001b[31mb' reaches beyond its storage", message);
    }

    [Fact]
    public void A_very_long_name_keeps_its_ends_in_the_message()
    {
        var message = Refused(Dictionary.Text("begin" + new string('x', 1000) + "end").Floats(5).Op("s"u8).Archive(("0", s_four)));
        Assert.Contains("'begin", message);
        Assert.Contains("end' reaches", message);
        Assert.InRange(message.Length, 500, 800);
    }

    [Fact]
    public void A_name_longer_than_any_real_one_is_refused()
        => Assert.Contains("longer than 1024",
            Refused(Dictionary.Text(new string('x', 1025)).Floats().Op("s"u8).Archive(("0", s_four))));

    [Fact]
    public void A_damaged_storage_is_found_when_it_is_read_and_not_before()
    {
        var content = Dictionary.Text("w").Floats().Op("s"u8).Archive(("0", s_four));
        content[content.AsSpan().IndexOf(s_four)] ^= 1;
        using var file = WeightFile.Open(content, "x.ckpt");
        Assert.Contains("checksum of 'archive/data/0'", Assert.Throws<DiffSynthException>(() => file.Read("w")).Message);
    }
}
