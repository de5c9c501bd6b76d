using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Tests.Safetensors;

/// <summary>Tests of <see cref="IWeightSource.Map"/>: one at a time, since they ask what the whole process has mapped.</summary>
[Collection(nameof(MappedFileTests))]
[CollectionDefinition(nameof(MappedFileTests), DisableParallelization = true)]
public sealed class MappedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => System.IO.Path.Combine(_folder.Path, "model.safetensors");

    [Fact]
    public void A_mapped_tensor_is_what_is_read_and_outlives_its_file()
    {
        using var scope = NewDisposeScope();
        Tensor[] written = [randn(3, 5), randn(7).to(bfloat16), arange(4, dtype: int64), randn(2, 3, 1).to(float16), tensor(0.5f)];
        Write([.. written]);
        var mapped = new List<Tensor>();
        using (var file = Open())
        {
            for (var i = 0; i < written.Length; i++)
            {
                mapped.Add(Expect.Ok(file.Map($"t{i}")));
                Assert.True(Expect.Ok(file.Read($"t{i}")).equal(mapped[i]).all().item<bool>());
            }
        }
        for (var i = 0; i < written.Length; i++)
        {
            Assert.Equal((written[i].dtype, false), (mapped[i].dtype, mapped[i].requires_grad));
            Assert.Equal(written[i].shape, mapped[i].shape);
            Assert.True(written[i].equal(mapped[i]).all().item<bool>());
        }
    }

    [Fact]
    public void A_file_is_mapped_until_the_last_tensor_over_it_is_gone()
    {
        var none = MappedFile.Bytes;
        Write(randn(64, 4), randn(8));
        var file = Open();
        var (first, second) = (Expect.Ok(file.Map("t0")), Expect.Ok(file.Map("t1")));
        Assert.Equal(none + (((64 * 4) + 8) * sizeof(float)), MappedFile.Bytes);
        // The same bytes are the same pages, and what no tensor lies over is nobody's.
        using (Expect.Ok(file.Map("t0"))) Assert.Equal(none + (((64 * 4) + 8) * sizeof(float)), MappedFile.Bytes);
        file.Dispose();
        second.Dispose();
        Assert.Equal(none + (64 * 4 * sizeof(float)), MappedFile.Bytes);
        var view = first.narrow(0, 60, 2);
        first.Dispose();
        Assert.NotEqual(none, MappedFile.Bytes);
        // What autograd saved counts too.
        var x = randn(2, 4).requires_grad_();
        var product = (x * view).sum();
        view.Dispose();
        Assert.NotEqual(none, MappedFile.Bytes);
        product.backward();
        product.Dispose();
        x.Dispose();
        Assert.Equal(none, MappedFile.Bytes);
    }

    [Fact]
    public void A_tensor_without_elements_maps_nothing()
    {
        var none = MappedFile.Bytes;
        Write(empty(0, 3), empty(2, 0));
        using var file = Open();
        using var tensor = Expect.Ok(file.Map("t1"));
        Assert.Equal([2, 0], tensor.shape);
        Assert.Equal(none, MappedFile.Bytes);
    }

    [Fact]
    public void A_file_that_is_cut_short_is_said_before_it_is_touched()
    {
        Write(randn(4096, 8));
        using var file = Open();
        using var tensor = Expect.Ok(file.Map("t0"));
        Assert.True(file.CheckMapped().IsOk);
        var length = new FileInfo(Path).Length;
        using (var cut = OtherProgram()) cut.SetLength(length / 2);
        var fault = Expect.Fault(file.CheckMapped(), FaultCodes.DamagedWeights);
        Assert.Contains($"cut from {length} to {length / 2} bytes", fault.ToString(), StringComparison.Ordinal);
        Assert.Contains(Path, fault.ToString(), StringComparison.Ordinal);
        // And no other tensor of it is handed out.
        Assert.Equal(fault, Expect.Fault(file.Map("t0"), FaultCodes.DamagedWeights));
    }

    [Fact]
    public void A_file_that_is_written_over_in_place_is_said()
    {
        Write(randn(16, 8));
        using var file = Open();
        using var tensor = Expect.Ok(file.Map("t0"));
        using (var other = OtherProgram())
        {
            other.Position = other.Length - 1;
            other.WriteByte(7);
        }
        File.SetLastWriteTimeUtc(Path, DateTime.UtcNow.AddSeconds(5));
        Expect.Fault(file.CheckMapped(), FaultCodes.DamagedWeights);
    }

    [Fact]
    public void A_file_whose_name_another_takes_stays_what_it_was()
    {
        using var scope = NewDisposeScope();
        Write(ones(16));
        using var file = Open();
        var tensor = Expect.Ok(file.Map("t0"));
        File.Move(Path, Path + ".old");
        Write(zeros(16));
        File.Move(Path, Path + ".old", overwrite: true);
        Assert.True(file.CheckMapped().IsOk);
        Assert.Equal(16, tensor.sum().item<float>());
    }

    [Fact]
    public void A_closed_file_is_looked_at_as_long_as_a_tensor_lives()
    {
        Write(randn(4096, 8));
        var file = Open();
        var tensor = Expect.Ok(file.Map("t0"));
        file.Dispose();
        using (var cut = OtherProgram()) cut.SetLength(100);
        Expect.Fault(file.CheckMapped(), FaultCodes.DamagedWeights);
        tensor.Dispose();
        Expect.Ok(file.CheckMapped());
    }

    public void Dispose() => _folder.Dispose();

    private void Write(params Tensor[] tensors) =>
        Assert.True(SafetensorsWriter.Write(Path, [.. tensors.Select(static (tensor, i) => new TensorToWrite($"t{i}", tensor, tensor.dtype))]).IsOk);

    // Locks of .NET are advice that other programs do not ask for.
    private FileStream OtherProgram() => new(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    private SafetensorsFile Open() => Expect.Ok(SafetensorsFile.Open(Path));
}
