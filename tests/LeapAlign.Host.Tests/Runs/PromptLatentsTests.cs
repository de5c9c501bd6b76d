using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>Latents of files: which they are, and what is said of those that are none.</summary>
public sealed class PromptLatentsTests : IDisposable
{
    private static readonly LatentSpace s_space = new([2, 3, 4], 12);

    private readonly string _folder = Directory.CreateTempSubdirectory("latents-").FullName;
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Latents_of_every_precision_are_read_as_they_are(ScalarType type)
    {
        var values = arange(24, dtype: ScalarType.Float32).reshape(2, 3, 4);
        var path = Write("a", type, ("x", values));
        var read = PromptLatents.Read(path, Row(), s_space).Value();
        Assert.Equal(ScalarType.Float32, read.dtype);
        Assert.Equal([2, 3, 4], read.shape);
        Assert.True(read.equal(values).all().item<bool>());
        PromptLatents.Check([Prompt(path, Row())], s_space).Value();
    }

    [Fact]
    public void A_row_names_its_tensor_and_its_sample()
    {
        var (one, many) = (full([2, 3, 4], 7f), stack([full([2, 3, 4], 0f), full([2, 3, 4], 1f), full([2, 3, 4], 2f)]));
        var path = Write("several", ScalarType.Float32, ("one", one), ("many", many));
        Assert.Equal(7, First(path, Row("one")));
        for (var row = 0; row < 3; row++) Assert.Equal(row, First(path, Row("many", row)));
        // One sample in a batch of one needs no number, and may have it.
        var single = Write("single", ScalarType.Float32, ("x", one.unsqueeze(0)));
        Assert.Equal(7, First(single, Row()));
        Assert.Equal(7, First(single, Row(row: 0)));
        PromptLatents.Check([Prompt(path, Row("one")), Prompt(path, Row("many", 2)), Prompt(single, Row())], s_space).Value();
    }

    [Fact]
    public void What_does_not_fit_is_named_with_file_and_row_before_anything_is_read()
    {
        var several = Write("several", ScalarType.Float32, ("one", zeros(2, 3, 4)), ("many", zeros(3, 2, 3, 4)));
        var (other, flat, numbers) = (Write("other", ScalarType.Float32, ("x", zeros(2, 3, 5))), Write("flat", ScalarType.Float32, ("x", zeros(2, 12))), Write("numbers", ScalarType.Int32, ("x", zeros(2, 3, 4, dtype: ScalarType.Int32))));
        Refused(several, Row(), "the file has 2 tensors ('many', 'one'), and the row does not say which ('latents_tensor')");
        Refused(several, Row("two"), "there is no tensor 'two'; there is 'many', 'one'");
        Refused(several, Row("many"), "the tensor 'many' is Float32 [3, 2, 3, 4], 3 samples, and the row does not say which ('latents_row')");
        Refused(several, Row("many", 3), "and the row says 'latents_row' 3; rows are counted from 0");
        Refused(several, Row("one", 0), "one sample, and the row says 'latents_row' 0");
        Refused(other, Row(), "the tensor 'x' is Float32 [2, 3, 5]; the model's latents are [2, 3, 4] at the picture size of this run, or [N, 2, 3, 4]");
        Refused(flat, Row(), "the tensor 'x' is Float32 [2, 12]; the model's latents are");
        Refused(numbers, Row(), "the tensor 'x' is Int32 [2, 3, 4]; latents are Float32, BFloat16, Float16 or Float64");
        File.WriteAllBytes(Path.Combine(_folder, "damaged.safetensors"), [1, 2, 3]);
        Refused(Path.Combine(_folder, "damaged.safetensors"), Row(), "the file has 3 bytes");
        Refused(Path.Combine(_folder, "gone.safetensors"), Row(), "there is no such weights file");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Latents_that_are_not_finite_are_named_when_they_are_read(float value)
    {
        var values = zeros(2, 2, 3, 4);
        values[1, 1, 2, 3] = value;
        var path = Write("bad", ScalarType.Float32, ("x", values));
        PromptLatents.Read(path, Row(row: 0), s_space).Value();
        var fault = PromptLatents.Read(path, Row(row: 1), s_space).Fault(FaultCodes.BadLatents, "log.jsonl(3,1) latents", "bad.safetensors", "they are not finite");
        Assert.Equal(3, fault.Place!.Line);
    }

    [Fact]
    public void The_first_row_that_does_not_fit_is_named_and_pictures_are_no_latents()
    {
        var path = Write("a", ScalarType.Float32, ("x", zeros(2, 2, 3, 4)));
        var prompts = new[] { new Prompt(0, "a") { Pictures = ["/no/such.png", path], Latents = [null, Row(row: 1)] }, new Prompt(1, "b") { Pictures = ["/no/such.png"] }, Prompt(path, Row(row: 2) with { Place = new("log.jsonl", 9, 1, "latents") }) };
        Assert.Equal(9, PromptLatents.Check(prompts, s_space).Fault(FaultCodes.BadLatents).Place!.Line);
        PromptLatents.Check(prompts[..2], s_space).Value();
    }

    private static StoredLatents Row(string? tensor = null, int? row = null) => new(tensor, row, new SourcePlace("log.jsonl", 3, 1, "latents"));

    private static Prompt Prompt(string path, StoredLatents row) => new(0, "a") { Pictures = [path], Latents = [row] };

    private static float First(string path, StoredLatents row) => PromptLatents.Read(path, row, s_space).Value()[0, 0, 0].item<float>();

    private static void Refused(string path, StoredLatents row, string words)
    {
        string[] named = [words, "log.jsonl(3,1) latents", Path.GetFileName(path)];
        PromptLatents.Check([Prompt(path, row)], s_space).Fault(FaultCodes.BadLatents, named);
        PromptLatents.Read(path, row, s_space).Fault(FaultCodes.BadLatents, named);
    }

    private string Write(string name, ScalarType type, params (string Name, Tensor Value)[] tensors)
    {
        var path = Path.Combine(_folder, name + PromptLatents.Ending);
        SafetensorsWriter.Write(path, [.. tensors.Select(tensor => new TensorToWrite(tensor.Name, tensor.Value, type))]).Value();
        return path;
    }
}
