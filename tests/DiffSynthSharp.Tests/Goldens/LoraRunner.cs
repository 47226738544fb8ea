using System.Text.Json;
using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>One adapter in every published layout, alone and stacked, on a U-Net and a text encoder of Stable Diffusion 1.x.</summary>
internal sealed class LoraRunner : IGoldenRunner
{
    public string Kind => "lora-sd15";

    public void Run(GoldenCase @case)
    {
        switch (@case.Text("operation"))
        {
            case "metadata": CompareMetadata(@case); break;
            case "lora": RunAlone(@case); break;
            case "lora-stack": RunStacked(@case); break;
            case var other: Assert.Fail($"The golden has an operation '{other}' that no one checks."); break;
        }
    }

    private static void RunAlone(GoldenCase @case)
    {
        using var folder = new TemporaryFolder();
        using var file = Open(@case, @case.Text("layout")!, folder);
        using var model = new LoraNetworks(@case.Folder);
        using var tensors = @case.Tensors();
        var before = model.Run(tensors);
        var compared = new HashSet<string>();
        foreach (var scale in @case.Json.GetProperty("scales").EnumerateArray())
        {
            using var attached = LoraAttachment.Attach(model.Networks, file, scale.GetDouble());
            CompareLedger(@case, attached.Ledger);
            foreach (var (network, output) in model.Run(tensors)) Compare(@case, tensors, $"{network}.{scale.GetRawText()}", output, compared);
            if (scale.GetDouble() == 1) CompareChanges(@case, tensors, model, compared);
        }
        Assert.Equal(tensors.Outputs.Order(StringComparer.Ordinal), compared.Order(StringComparer.Ordinal));
        CompareRestored(before, model.Run(tensors));
    }

    private static void RunStacked(GoldenCase @case)
    {
        using var folder = new TemporaryFolder();
        using var model = new LoraNetworks(@case.Folder);
        using var tensors = @case.Tensors();
        var before = model.Run(tensors);
        var attached = new List<LoraAttachment>();
        foreach (var adapter in @case.Json.GetProperty("adapters").EnumerateArray())
        {
            using var file = Open(@case, adapter.GetProperty("layout").GetString()!, folder);
            attached.Add(LoraAttachment.Attach(model.Networks, file, adapter.GetProperty("scale").GetDouble()));
        }
        var compared = new HashSet<string>();
        foreach (var (network, output) in model.Run(tensors)) Compare(@case, tensors, network, output, compared);
        CompareChanges(@case, tensors, model, compared);
        Assert.Equal(tensors.Outputs.Order(StringComparer.Ordinal), compared.Order(StringComparer.Ordinal));
        foreach (var adapter in attached) adapter.Dispose();
        CompareRestored(before, model.Run(tensors));
    }

    // As the tools leave it behind: notes in the header, PEFT's configuration beside a file of its name.
    private static LoraFile Open(GoldenCase @case, string layout, TemporaryFolder folder)
    {
        using var written = @case.WriteWeights(layout);
        using var source = WeightFile.Open(written.Path);
        var hasConfig = @case.Json.TryGetProperty("adapter_config", out var config);
        var path = folder[hasConfig ? "adapter_model.safetensors" : $"{layout}.safetensors"];
        if (hasConfig) File.WriteAllText(folder["adapter_config.json"], config.GetRawText());
        var notes = @case.Json.TryGetProperty("safetensors_metadata", out var metadata) ? Strings(metadata) : null;
        SafetensorsWriter.Write(path, source.Entries.Values, entry => source.Read(entry.Name), notes);
        return LoraFile.Open(path);
    }

    private static void CompareLedger(GoldenCase @case, LoraLedger ledger)
    {
        Assert.Equal(Names(@case, "unmatched_keys"), ledger.UnmatchedKeys.Order(StringComparer.Ordinal));
        Assert.Equal(Names(@case, "wrong_shape_keys"), ledger.WrongShape.SelectMany(mismatch => mismatch.Keys).Order(StringComparer.Ordinal));
        Assert.Equal(Names(@case, "incomplete_keys"), ledger.IncompleteKeys.Order(StringComparer.Ordinal));
        if (@case.Json.TryGetProperty("matched_modules", out _)) Assert.Equal(Names(@case, "matched_modules"), ledger.Matched.Select(match => match.Module).Order(StringComparer.Ordinal));
        if (@case.Json.TryGetProperty("modules", out var modules)) Assert.Equal(modules.GetInt32(), ledger.Matched.Count);
        Assert.Empty(ledger.ZeroEffect);
    }

    private static IEnumerable<string> Names(GoldenCase @case, string property) => @case.Json.TryGetProperty(property, out var names)
        ? names.EnumerateArray().Select(name => name.GetString()!).Order(StringComparer.Ordinal) : [];

    private static void Compare(GoldenCase @case, GoldenTensors tensors, string name, Tensor ours, HashSet<string> compared)
    {
        if (!tensors.Has($"out.{name}")) return;
        GoldenAssert.Close(name, ours, tensors[$"out.{name}"], @case.Tolerance);
        compared.Add($"out.{name}");
    }

    private static void CompareChanges(GoldenCase @case, GoldenTensors tensors, LoraNetworks model, HashSet<string> compared)
    {
        const string prefix = "delta.";
        foreach (var name in tensors.Outputs.Select(name => name["out.".Length..]).Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            Compare(@case, tensors, name, model.ChangeOf(name[prefix.Length..]), compared);
    }

    private static void CompareRestored(Dictionary<string, Tensor> before, Dictionary<string, Tensor> after)
    {
        foreach (var (network, output) in before)
            Assert.True(output.eq(after[network]).all().item<bool>(), $"{network} differs after its adapters were taken off");
    }

    private static void CompareMetadata(GoldenCase @case)
    {
        using var file = LoraFile.Open(@case.FilePath);
        Assert.Equal(Strings(@case.Json.GetProperty("safetensors_metadata")), file.Metadata);
        foreach (var recorded in @case.Json.GetProperty("tensors").EnumerateObject())
        {
            var found = file.Modules.SelectMany(module => module.Parts).Single(part => part.Value.Name == recorded.Name).Value;
            Assert.Equal(recorded.Value.EnumerateArray().Select(side => side.GetInt64()), found.Shape);
        }
    }

    private static Dictionary<string, string> Strings(JsonElement metadata)
        => metadata.EnumerateObject().ToDictionary(note => note.Name, note => note.Value.GetString()!);
}
