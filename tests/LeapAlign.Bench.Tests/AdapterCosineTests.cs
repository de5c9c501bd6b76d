using LeapAlign.Bench.FullSize;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Tests;

/// <summary>How alike two adapter files are, block by block.</summary>
public sealed class AdapterCosineTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-adapters-");
    private readonly TextWriter _output = new StringWriter();
    private readonly TextWriter _before = Console.Out;

    public AdapterCosineTests() => Console.SetOut(_output);

    [Fact]
    public void The_second_factors_of_each_block_are_compared()
    {
        // Block 2 turned by a right angle, block 10 half as long, and first factors that do not count.
        var first = Write("first", ([1, 0], "transformer.transformer_blocks.2.attn.to_q.lora_B.weight"), ([3, 4], "transformer.transformer_blocks.10.attn.to_q.lora_B.weight"), ([1, 1], "transformer.transformer_blocks.2.attn.to_q.lora_A.weight"));
        var second = Write("second", ([0, 1], "transformer.transformer_blocks.2.attn.to_q.lora_B.weight"), ([1.5f, 2], "transformer.transformer_blocks.10.attn.to_q.lora_B.weight"), ([-1, -1], "transformer.transformer_blocks.2.attn.to_q.lora_A.weight"));
        Recording.Require(AdapterCosine.Run(first, second));
        var lines = _output.ToString()!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches(@"^transformer_blocks\.02 +cosine 0\.0000   length 1\.000", lines[0]);
        Assert.Matches(@"^transformer_blocks\.10 +cosine 1\.0000   length 0\.500", lines[1]);
        // 12.5 of lengths √26 and √7.25.
        Assert.Matches(@"^all +cosine 0\.9104   length 0\.528", lines[2]);
    }

    [Fact]
    public void Files_of_other_layers_are_refused() =>
        Assert.Equal(FaultCodes.TensorMismatch, AdapterCosine.Run(Write("first", ([1], "a.lora_B.weight")), Write("second", ([1], "b.lora_B.weight"))).Match(static _ => throw new InvalidOperationException("it compares"), static fault => fault.Code));

    public void Dispose()
    {
        Console.SetOut(_before);
        _output.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Write(string name, params (float[] Values, string Name)[] tensors)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder.FullName, $"{name}.safetensors");
        Recording.Require(SafetensorsWriter.Write(path, [.. tensors.Select(static one => new TensorToWrite(one.Name, tensor(one.Values), ScalarType.Float32))]));
        return path;
    }
}
