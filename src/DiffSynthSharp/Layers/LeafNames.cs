// TorchSharp has layers of the same names; here a layer is always ours.
global using Conv2d = DiffSynthSharp.Layers.Conv2d;
global using ConvTranspose2d = DiffSynthSharp.Layers.ConvTranspose2d;
global using Embedding = DiffSynthSharp.Layers.Embedding;
global using GroupNorm = DiffSynthSharp.Layers.GroupNorm;
global using LayerNorm = DiffSynthSharp.Layers.LayerNorm;
global using Linear = DiffSynthSharp.Layers.Linear;
global using RmsNorm = DiffSynthSharp.Layers.RmsNorm;
