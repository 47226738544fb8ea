using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>The memory layout of all feature maps: logically (B, C, H, W), in memory (B, H, W, C).</summary>
internal static class ChannelsLast
{
    /// <summary>The same values with channels-last memory; a cheap view when they are laid out so already.</summary>
    /// <param name="x">(B, C, H, W)</param>
    public static Tensor ToChannelsLast(this Tensor x)
    {
        using var nhwc = x.permute(0, 2, 3, 1);
        using var packed = nhwc.contiguous();
        return packed.permute(0, 3, 1, 2);
    }

    /// <summary>Feature map to tokens: (B, C, H, W) → (B, H·W, C); a view when the memory is channels-last.</summary>
    public static Tensor ToTokens(this Tensor x)
    {
        using var nhwc = x.permute(0, 2, 3, 1);
        return nhwc.reshape(x.shape[0], x.shape[2] * x.shape[3], x.shape[1]);
    }

    /// <summary>Tokens to feature map: (B, H·W, C) → (B, C, H, W) with channels-last memory.</summary>
    public static Tensor ToMap(this Tensor tokens, long height, long width)
    {
        using var nhwc = tokens.reshape(tokens.shape[0], height, width, tokens.shape[2]);
        return nhwc.permute(0, 3, 1, 2);
    }
}
