using DiffSynthSharp.Models.TextEncoders;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

public sealed class Sd3TextTests : IDisposable
{
    private static readonly Sd3TextWidths s_widths = new(ClipL: 2, ClipG: 3, Context: 8);

    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly ClipStates _clipL = new(full([1, 4, 2], 1f), full([1, 2], 2f));
    private readonly ClipStates _clipG = new(full([1, 4, 3], 3f), full([1, 3], 4f));
    private readonly Tensor _t5 = full([1, 5, 8], 5f);

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void All_three_stand_where_they_belong()
    {
        var (context, pooled) = Sd3Text.Join(s_widths, _clipL, _clipG, _t5, rowsWithoutT5: 7);
        Assert.Equal([1, 9, 8], context.shape);
        Assert.Equal([1, 1, 3, 3, 3, 0, 0, 0], Values(context[0, 3]));
        Assert.Equal([5, 5, 5, 5, 5, 5, 5, 5], Values(context[0, 4]));
        Assert.Equal([2, 2, 4, 4, 4], Values(pooled));
    }

    [Theory]
    [InlineData(77, 81)] // diffusers, DiffSynth-Studio
    [InlineData(0, 4)] // ComfyUI
    public void Without_T5_there_are_rows_of_zeros_or_none(int rowsWithoutT5, int rows)
    {
        var (context, pooled) = Sd3Text.Join(s_widths, _clipL, _clipG, null, rowsWithoutT5);
        Assert.Equal([1, rows, 8], context.shape);
        Assert.Equal(4 * (2 + 9), context.sum().item<float>());
        Assert.Equal([2, 2, 4, 4, 4], Values(pooled));
    }

    [Fact]
    public void An_absent_clip_leaves_zeros_in_its_place()
    {
        var (withoutL, pooledWithoutL) = Sd3Text.Join(s_widths, null, _clipG, _t5, 0);
        Assert.Equal([0, 0, 3, 3, 3, 0, 0, 0], Values(withoutL[0, 0]));
        Assert.Equal([0, 0, 4, 4, 4], Values(pooledWithoutL));
        var (withoutG, pooledWithoutG) = Sd3Text.Join(s_widths, _clipL, null, _t5, 0);
        Assert.Equal([1, 1, 0, 0, 0, 0, 0, 0], Values(withoutG[0, 0]));
        Assert.Equal([2, 2, 0, 0, 0], Values(pooledWithoutG));
        var (t5Alone, nothingPooled) = Sd3Text.Join(s_widths, null, null, _t5, 0);
        Assert.Equal(Values(_t5), Values(t5Alone));
        Assert.Equal([0, 0, 0, 0, 0], Values(nothingPooled));
    }

    [Fact]
    public void A_clip_of_fewer_rows_is_filled_up()
    {
        var (context, _) = Sd3Text.Join(s_widths, new(full([1, 2, 2], 1f), _clipL.Pooled), _clipG, null, 0);
        Assert.Equal([1, 1, 3, 3, 3, 0, 0, 0], Values(context[0, 1]));
        Assert.Equal([0, 0, 3, 3, 3, 0, 0, 0], Values(context[0, 2]));
    }

    [Fact]
    public void No_encoder_and_encoders_of_another_model_are_refused()
    {
        Assert.Contains("needs a text encoder", Assert.Throws<DiffSynthException>(() => Sd3Text.Join(s_widths, null, null, null, 7)).Message);
        Assert.Contains("belong to different models", Assert.Throws<DiffSynthException>(() => Sd3Text.Join(s_widths with { Context = 4 }, _clipL, _clipG, null, 7)).Message);
        Assert.Contains("belong to different models", Assert.Throws<DiffSynthException>(() => Sd3Text.Join(s_widths with { Context = 9 }, _clipL, _clipG, _t5, 7)).Message);
    }

    private static float[] Values(Tensor tensor) => tensor.contiguous().data<float>().ToArray();
}
