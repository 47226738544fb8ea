using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>Adds up what decoding a map of latents takes, by going through the decoder's layers.</summary>
internal sealed class DecoderCost
{
    private const int Kernel = 9;
    private long _cells;
    private long _operations;
    private long _peak;

    private DecoderCost(long cells) => _cells = cells;

    /// <param name="config">The network's sizes.</param>
    /// <param name="height">Latent cells.</param>
    /// <param name="width">Latent cells.</param>
    public static NetworkCost Of(AutoencoderConfig config, long height, long width)
    {
        var cost = new DecoderCost(height * width);
        cost.Run(config);
        return new(cost._operations, cost._peak);
    }

    private void Run(AutoencoderConfig config)
    {
        var (latents, deepest) = (config.LatentChannels, config.Channels[^1]);
        if (config.MixesLatents) Convolve(latents, latents, 1);
        Convolve(latents, deepest, Kernel);
        var input = Map(deepest); // alive to the end, with the latents
        var throughout = input + (config.MixesLatents ? 2 : 1) * Map(latents);
        Middle(deepest, throughout);
        var h = deepest;
        for (var level = config.Channels.Count - 1; level >= 0; level--) h = Level(h, config.Channels[level], config.BlocksPerLevel + 1, level > 0, throughout);
        Convolve(h, config.PictureChannels, Kernel);
        Reach(throughout + 3 * Map(h) + Map(config.PictureChannels));
    }

    private void Middle(long channels, long outside)
    {
        Block(channels, channels, outside);
        // norm, queries, keys, values, what is attended, its projection and the sum, over the block's output
        Reach(outside + 8 * Map(channels));
        _operations += 4 * OperationCount.Product(_cells, channels, channels) + OperationCount.Product(_cells, channels, 2 * _cells);
        Block(channels, channels, outside + 2 * Map(channels));
    }

    private long Level(long inputs, long channels, int blocks, bool upsamples, long outside)
    {
        var input = Map(inputs);
        Block(inputs, channels, outside + input);
        for (var i = 1; i < blocks; i++) Block(channels, channels, outside + input + Map(channels));
        if (!upsamples) return channels;
        var before = outside + input + Map(channels);
        _cells *= 4;
        Convolve(channels, channels, Kernel);
        Reach(before + 2 * Map(channels));
        return channels;
    }

    // Two halves of norm, SiLU and convolution; then both halves, the skip and the sum.
    private void Block(long inputs, long outputs, long outside)
    {
        Convolve(inputs, outputs, Kernel);
        Convolve(outputs, outputs, Kernel);
        if (inputs != outputs) Convolve(inputs, outputs, 1);
        Reach(outside + Math.Max(2 * Map(inputs) + Map(outputs), 4 * Map(outputs)));
    }

    private void Convolve(long inputs, long outputs, long kernel) => _operations += OperationCount.Product(_cells, inputs * kernel, outputs);

    private void Reach(long bytes) => _peak = Math.Max(_peak, bytes);

    private long Map(long channels) => NetworkCost.Bytes(channels * _cells);
}
