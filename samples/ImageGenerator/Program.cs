// A model on this machine behind Microsoft.Extensions.AI's IImageGenerator.
//   dotnet run -c Release --project samples/ImageGenerator -- models/starter "a red car by the sea" car.png
using DiffSynthSharp;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable MEAI001 // the interface may still change

if (args is not [var model, var prompt, var file])
{
    Console.Error.WriteLine("usage: ImageGenerator MODEL PROMPT FILE.png");
    return 2;
}
await using var services = new ServiceCollection().AddDiffSynthImageGenerator(model).BuildServiceProvider();
var generator = services.GetRequiredService<IImageGenerator>();
var response = await generator.GenerateAsync(new(prompt), new() { AdditionalProperties = new() { ["steps"] = 20, ["seed"] = 42 } });
await File.WriteAllBytesAsync(file, response.Contents.OfType<DataContent>().First().Data.ToArray());
Console.WriteLine(file);
return 0;
