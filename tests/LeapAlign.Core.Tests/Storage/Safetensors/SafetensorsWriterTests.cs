using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Tests.Safetensors;

public sealed class SafetensorsWriterTests
{
    private static readonly ScalarType[] Types =
    [
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16,
        ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    [Property(MaxTest = 60)]
    public Property What_is_written_is_read_back()
    {
        var tensor = from type in Gen.Elements(Types)
                     from shape in Gen.Choose(0, 5).ListOf().Resize(4)
                     from name in Gen.Elements("weight", "a.b.0", "ä ö \"q\"", "名前", "tab\t", "__x__", "")
                     select (type, shape: shape.Select(size => (long)size).ToArray(), name);
        return Prop.ForAll(tensor.ListOf().Resize(6).ToArbitrary(), wanted =>
        {
            using var folder = new TemporaryFolder();
            using var scope = NewDisposeScope();
            var tensors = wanted.Select((want, i) => new TensorToWrite($"{want.name}{i}", Filled(want.shape, want.type), want.type)).ToList();
            Expect.Ok(SafetensorsWriter.Write(folder["w.safetensors"], tensors));
            var file = Expect.Ok(SafetensorsFile.Open(folder["w.safetensors"]));
            return file.Entries.Keys.SequenceEqual(tensors.Select(want => want.Name))
                && file.Metadata["format"] == "pt"
                && tensors.All(want => Expect.SameBytes(want.Value, Expect.Ok(file.Read(want.Name))))
                && Directory.GetFiles(folder.Path).Length == 1;
        });
    }

    [Fact]
    public void The_header_is_padded_and_every_tensor_is_aligned()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        Expect.Ok(SafetensorsWriter.Write(folder["w.safetensors"], Types.Reverse().Select(type => new TensorToWrite($"{type}", ones(3, dtype: type), type)).ToList()));
        var bytes = File.ReadAllBytes(folder["w.safetensors"]);
        var length = BitConverter.ToInt64(bytes);
        Assert.Equal(0, length % 8);
        using var header = System.Text.Json.JsonDocument.Parse(bytes.AsMemory(8, (int)length));
        Assert.Equal("pt", header.RootElement.GetProperty("__metadata__").GetProperty("format").GetString());
        foreach (var type in Types)
        {
            using var one = ones(1, dtype: type);
            Assert.Equal(0, header.RootElement.GetProperty($"{type}").GetProperty("data_offsets")[0].GetInt64() % one.element_size());
        }
    }

    [Fact]
    public void Values_are_converted_and_made_contiguous()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var value = arange(6, dtype: float32).reshape(2, 3).t().requires_grad_();
        Expect.Ok(SafetensorsWriter.Write(folder["w.safetensors"], [new TensorToWrite("w", value, ScalarType.BFloat16)]));
        var read = Expect.Ok(Expect.Ok(SafetensorsFile.Open(folder["w.safetensors"])).Read("w"));
        Assert.Equal(ScalarType.BFloat16, read.dtype);
        Assert.True(read.to(float32).equal(value).all().item<bool>());
    }

    [Fact]
    public void Writing_leaves_no_tensor_behind()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(5, 5);
        SafetensorsWriter.Write(folder["w.safetensors"], [new TensorToWrite("w", value, ScalarType.Float16)]);
        // Of this thread: the count of the process also changes with tests that run beside this one.
        var before = TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        for (var i = 0; i < 20; i++)
        {
            Expect.Ok(SafetensorsWriter.Write(folder["w.safetensors"], [new TensorToWrite("w", value, ScalarType.Float16)]));
            using var read = Expect.Ok(Expect.Ok(SafetensorsFile.Open(folder["w.safetensors"])).Read("w"));
        }
        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    /// <summary>LEAPALIGN_LARGE_TENSOR sets the size in bytes; by default two pieces of a chunked copy.</summary>
    [Fact]
    public void A_tensor_larger_than_one_piece_passes()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        const long piece = 1L << 26;
        var length = long.Parse(Environment.GetEnvironmentVariable("LEAPALIGN_LARGE_TENSOR") ?? $"{piece + 12_345}", CultureInfo.InvariantCulture);
        var value = zeros(length, dtype: ScalarType.Byte);
        long[] places = [0, 1, piece - 1, piece, int.MaxValue, 1L << 31, length - 1];
        foreach (var at in places.Where(at => at < length)) value[at] = (byte)((at % 250) + 1);
        Expect.Ok(SafetensorsWriter.Write(folder["w.safetensors"], [new TensorToWrite("w", value, ScalarType.Byte)]));
        var read = Expect.Ok(Expect.Ok(SafetensorsFile.Open(folder["w.safetensors"])).Read("w"));
        Assert.True(read.eq(value).all().item<bool>());
    }

    [Fact]
    public void A_tensor_behind_4_GB_is_found()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        const long hole = (1L << 32) + 3;
        var header = SafetensorsBytes.File($$$"""{"a":{"dtype":"U8","shape":[{{{hole}}}],"data_offsets":[0,{{{hole}}}]},"b":{"dtype":"U8","shape":[2],"data_offsets":[{{{hole}}},{{{hole + 2}}}]}}""", 0);
        using (var stream = File.Create(folder["w.safetensors"]))
        {
            stream.Write(header);
            stream.Position += hole;
            stream.Write([7, 8]);
        }
        Assert.Equal(new byte[] { 7, 8 }, Expect.Ok(Expect.Ok(SafetensorsFile.Open(folder["w.safetensors"])).Read("b")).data<byte>().ToArray());
    }

    [Fact]
    public void A_name_given_twice_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(1);
        var tensor = new TensorToWrite("w", value, ScalarType.Float32);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["w.safetensors"], [tensor, tensor]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["w.safetensors"], [tensor with { Type = ScalarType.ComplexFloat32 }]));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(1);
        var tensor = new TensorToWrite("w", value, ScalarType.Float32);
        var file = folder.Write("file", "x");
        Expect.Fault(SafetensorsWriter.Write(Path.Combine(file, "w.safetensors"), [tensor]), FaultCodes.CannotWrite);
        Expect.Fault(SafetensorsWriter.WriteFolder(Path.Combine(file, "folder"), "model", [tensor]), FaultCodes.CannotWrite);
        Expect.Fault(SafetensorsWriter.WriteFolder(file, "model", [tensor]), FaultCodes.CannotWrite);
        // A component goes into a folder that is there: one that was removed meanwhile is not made again.
        Expect.Fault(SafetensorsWriter.WriteFolder(folder["gone/component"], "model", [tensor]), FaultCodes.CannotWrite);
        Directory.CreateDirectory(folder["w.safetensors"]);
        Expect.Fault(SafetensorsWriter.Write(folder["w.safetensors"], [tensor]), FaultCodes.CannotWrite);
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
    }

    [Fact]
    public void A_disk_without_room_is_a_fault_and_the_older_file_stays()
    {
        using var folder = new TemporaryFolder();
        using var one = ones(1, dtype: ScalarType.Byte);
        using var endless = one.expand(1L << 62);
        var small = new TensorToWrite("w", one, ScalarType.Byte);
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, "model", [small]));
        Expect.Fault(SafetensorsWriter.WriteFolder(folder.Path, "model", [small, small with { Name = "endless", Value = endless }]), FaultCodes.CannotWrite);
        Expect.Fault(SafetensorsWriter.WriteFolder(folder.Path, "model", [small, small with { Name = "endless", Value = endless }], long.MaxValue), FaultCodes.CannotWrite);
        Assert.Equal([folder["model.safetensors"]], Directory.GetFileSystemEntries(folder.Path));
        Assert.Single(Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries);
    }

    [Fact]
    public void Tensors_that_are_made_in_their_turn_are_in_memory_one_at_a_time()
    {
        using var folder = new TemporaryFolder();
        using var shape = empty([3], dtype: ScalarType.Float32, device: META);
        Tensor? before = null;
        TensorToWrite Turn(int i) => new($"t{i}", shape, ScalarType.Float32)
        {
            Make = () =>
            {
                Assert.True(before is null || before.IsInvalid);
                return before = full([3], i, dtype: ScalarType.Float32);
            },
        };
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, "model", [.. Enumerable.Range(0, 5).Select(Turn)], shardBytes: 24));
        Assert.True(before!.IsInvalid);
        using (var written = Expect.Ok(SafetensorsFolder.Open(folder.Path)))
        {
            for (var i = 0; i < 5; i++)
            {
                using var expected = full([3], i, dtype: ScalarType.Float32);
                Assert.True(Expect.SameBytes(expected, Expect.Ok(written.Read($"t{i}"))));
            }
        }
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["other.safetensors"], [Turn(0) with { Make = static () => ones(4) }]));
        Assert.False(File.Exists(folder["other.safetensors"]));
    }

    private static Tensor Filled(long[] shape, ScalarType type)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        return arange(1, count + 1, dtype: ScalarType.Int64).reshape(shape).to(type);
    }
}
