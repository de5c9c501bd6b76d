using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Formats;

/// <summary>The types of tensors that are taken as weights.</summary>
public sealed class WeightTypeTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("leapalign-types-").FullName, "w.safetensors");

    [Theory]
    [InlineData(ScalarType.Float64, true)]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.Float16, true)]
    [InlineData(ScalarType.BFloat16, true)]
    [InlineData(ScalarType.Int64, false)]
    [InlineData(ScalarType.Int16, false)]
    [InlineData(ScalarType.Byte, false)]
    [InlineData(ScalarType.Bool, false)]
    public void Floats_are_weights_and_nothing_else(ScalarType type, bool isWeight)
    {
        using var scope = NewDisposeScope();
        Recording.Require(SafetensorsWriter.Write(_path, [new TensorToWrite("layer.weight", ones(3), type)]));
        using var weights = new WeightSet();
        weights.Root.Weight("layer.weight", 3);
        var source = Recording.Require(SafetensorsFile.Open(_path));
        var fault = weights.Load(source, CPU, ScalarType.Float32).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(isWeight, fault is null);
        if (fault is null) return;
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.Contains("'layer.weight'", fault.Message, StringComparison.Ordinal);
        Assert.Contains(type.ToString(), fault.Message, StringComparison.Ordinal);
        Assert.Equal(_path, fault.Place?.File);
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
}
