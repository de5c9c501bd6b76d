using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Weights;

/// <summary>Weights that stay in their file: the same numbers, and a file that changes is said.</summary>
public sealed class WeightKeepingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-keeping-").FullName;
    private readonly ReferenceCase _reference = new("sd3-dual");

    private string Path => System.IO.Path.Combine(_folder, "weights.safetensors");

    public static TheoryData<ScalarType, ScalarType, WeightKeeping> Cases
    {
        get
        {
            var cases = new TheoryData<ScalarType, ScalarType, WeightKeeping>();
            foreach (var stored in (ScalarType[])[bfloat16, float16, float32])
            {
                foreach (var computed in (ScalarType[])[bfloat16, float32])
                {
                    cases.Add(stored, computed, WeightKeeping.Mapped);
                    cases.Add(stored, computed, WeightKeeping.Converted);
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_network_computes_the_same_wherever_its_weights_lie(ScalarType stored, ScalarType computed, WeightKeeping keeping)
    {
        Save(stored);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var owned = Evaluate(computed, WeightKeeping.Owned, static _ => { });
        var kept = Evaluate(computed, keeping, weights =>
        {
            foreach (var weight in weights.Parameters)
            {
                Assert.Equal(keeping == WeightKeeping.Converted ? stored : computed, weight.Master.dtype);
                Assert.Equal(computed, weight.ComputeType);
                Assert.Equal(computed, weight.Value.dtype);
                Assert.Equal(stored, weight.FileType);
            }
        });
        Assert.True(owned.equal(kept).all().item<bool>());
    }

    [Theory]
    [InlineData(WeightKeeping.Mapped)]
    [InlineData(WeightKeeping.Converted)]
    public void A_file_that_is_cut_is_a_fault_before_it_is_computed_with(WeightKeeping keeping)
    {
        Save(bfloat16);
        using var scope = NewDisposeScope();
        Evaluate(bfloat16, keeping, weights =>
        {
            weights.RequireFiles();
            var length = new FileInfo(Path).Length;
            using (var other = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(length - 1);
            var fault = Assert.Throws<FaultException>(weights.RequireFiles).Fault;
            Assert.Equal((FaultCodes.DamagedWeights, Path), (fault.Code, fault.Place?.File));
            using (var other = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(length);
        });
    }

    [Fact]
    public void A_file_may_be_cut_when_its_weights_are_the_processes_own()
    {
        Save(float16);
        using var scope = NewDisposeScope();
        // In another precision than the network's, which is converted once; the position table stays in the file.
        using var weights = new WeightSet();
        _ = new Sd3Transformer(Recording.Require(Sd3Config.Read(_reference.ConfigPath)), weights.Root);
        using (var file = Recording.Require(SafetensorsFile.Open(Path))) Recording.Require(weights.Load(file, CPU, bfloat16));
        using (var other = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(10);
        weights.RequireFiles();
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16)]
    public void Weights_for_another_device_arrive_there_in_the_type_that_was_asked_for(ScalarType file, ScalarType asked)
    {
        Save(file);
        using var weights = new WeightSet();
        _ = new Sd3Transformer(Recording.Require(Sd3Config.Read(_reference.ConfigPath)), weights.Root);
        using (var source = Recording.Require(SafetensorsFile.Open(Path))) Recording.Require(weights.Load(source, META, asked, keeping: WeightKeeping.Mapped));
        Assert.All(weights.All, weight => Assert.Equal((TorchSharp.DeviceType.META, weight.IsBuffer ? float32 : asked), (weight.Master.device_type, weight.Master.dtype)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Save(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var source = _reference.Weights;
        Recording.Require(SafetensorsWriter.Write(Path, [.. source.Entries.Keys.Select(name => new TensorToWrite(name, Recording.Require(source.Read(name)), type))]));
    }

    private Tensor Evaluate(ScalarType computed, WeightKeeping keeping, Action<WeightSet> look)
    {
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(_reference.ConfigPath)), weights.Root);
        using (var file = Recording.Require(SafetensorsFile.Open(Path))) Recording.Require(weights.Load(file, CPU, computed, keeping: keeping));
        weights.ComputeIn(computed);
        look(weights);
        return network.Forward(_reference.Recorded("in.latents"), _reference.Recorded("in.context"), _reference.Recorded("in.pooled"), _reference.Recorded("in.timestep"));
    }
}
