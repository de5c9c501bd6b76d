using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Models.Flux;
using LeapAlign.Models.Flux.Tests;
using LeapAlign.Models.Sd3;
using LeapAlign.Models.Sd3.Tests;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>Where the networks of a pipeline compute and their weights lie. A run on "meta" stands for one on a device that is not the CPU.</summary>
public sealed class PlacementTests : IDisposable
{
    private readonly FluxFolder _flux = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, string, string> Places => new()
    {
        { PlacedPart.Run, PlacedPart.Run, PlacedPart.Run },
        { PlacedPart.Host, PlacedPart.Host, PlacedPart.Host },
        { PlacedPart.Run, "cpu", PlacedPart.Host },
        { PlacedPart.Host, PlacedPart.Run, PlacedPart.Host },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public void All_that_comes_out_is_on_the_device_of_the_run(string transformer, string text, string decoder)
    {
        foreach (var family in (string[])["sd3", "flux"])
        {
            using var model = Recording.Require(Open(family, META, Of(transformer, text, decoder)));
            var planned = (IPlannedModel)model;
            Assert.Equal(
                [("placement.decoder", decoder == PlacedPart.Run), ("placement.textEncoders", text == PlacedPart.Run), ("placement.transformer", transformer == PlacedPart.Run)],
                planned.Placed.Select(static weights => (weights.Setting, weights.OnDevice)).Order());
            Assert.Equal(transformer == PlacedPart.Host ? DeviceType.CPU : DeviceType.META, Transformer(model).All[0].Master.device_type);
            using var conditioning = ((IModel)model).Encode(new ConditioningRequest(["one caption"], new Guidance(2), ((IModel)model).NativeSize));
            // Operations on "meta" do not ask where their other inputs are.
            Assert.All(TensorsOf(conditioning), static tensor => Assert.Equal(DeviceType.META, tensor.device_type));
            var latents = randn([1, .. Recording.Require(((IModel)model).Latents(((IModel)model).NativeSize)).Shape], device: META).requires_grad_();
            var velocity = ((IModel)model).Velocity(latents, [0.5], conditioning);
            Assert.Equal(DeviceType.META, velocity.device_type);
            var picture = ((IModel)model).Decode(velocity);
            Assert.Equal(DeviceType.META, picture.device_type);
            picture.sum().backward();
            Assert.Equal(DeviceType.META, latents.grad!.device_type);
            Assert.Equal(DeviceType.META, ((IModel)model).Encode(zeros_like(picture)).device_type);
        }
    }

    [Fact]
    public void On_the_CPU_places_change_no_bit()
    {
        foreach (var family in (string[])["sd3", "flux"])
        {
            Tensor Picture(ModelPlacement placement)
            {
                using var made = Recording.Require(Open(family, CPU, placement));
                var model = (IModel)made;
                using var conditioning = model.Encode(new ConditioningRequest(["one caption"], new Guidance(2), model.NativeSize));
                using var _ = no_grad();
                return model.Decode(model.Velocity(ones([1, .. Recording.Require(model.Latents(model.NativeSize)).Shape]), [0.5], conditioning));
            }
            Assert.True(Picture(new ModelPlacement()).equal(Picture(Of(PlacedPart.Host, "cpu", PlacedPart.Host))).all().item<bool>());
        }
    }

    [Fact]
    public void Bytes_are_those_of_the_weights()
    {
        using var made = Recording.Require(Open("sd3", CPU, new ModelPlacement()));
        var transformer = ((IPlannedModel)made).Placed.Single(static weights => weights.InEvaluations);
        Assert.Equal(((Sd3Model)made).Networks.Weights.All.Sum(static weight => (double)weight.Master.numel() * weight.Master.element_size()), transformer.Bytes);
        using var trained = Recording.Require(Open("sd3", CPU, new ModelPlacement(), frozen: false));
        Assert.Equal(2, ((IPlannedModel)trained).Placed.Count);
    }

    [Fact]
    public void A_transformer_that_is_trained_is_not_on_the_host()
    {
        foreach (var family in (string[])["sd3", "flux"])
        {
            var fault = Open(family, CPU, Of(PlacedPart.Host, PlacedPart.Run, PlacedPart.Run), frozen: false).Match(static _ => throw new InvalidOperationException("it opens"), static fault => fault);
            Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
            Assert.Contains("placement.transformer is host", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_device_that_is_not_there_is_a_fault() =>
        Assert.Equal(FaultCodes.DeviceNotAvailable, Open("sd3", CPU, Of(PlacedPart.Run, PlacedPart.Run, "cuda:7")).Match(static _ => throw new InvalidOperationException("it opens"), static fault => fault.Code));

    public void Dispose()
    {
        _scope.Dispose();
        _flux.Dispose();
    }

    private static ModelPlacement Of(string transformer, string text, string decoder) => new() { Transformer = transformer, TextEncoders = text, Decoder = decoder };

    private static Networks.Weights.WeightSet Transformer(IDisposable model) => model is Sd3Model sd3 ? sd3.Networks.Weights : ((FluxModel)model).Networks.Weights;

    private static IEnumerable<Tensor> TensorsOf(Conditioning conditioning)
    {
        var captions = conditioning is BranchedConditioning sd3 ? sd3.Captions : ((FluxConditioning)conditioning).Captions;
        return [captions.Context, captions.Pooled];
    }

    private Result<IDisposable> Open(string family, Device device, ModelPlacement placement, bool frozen = true)
    {
        var context = new PartContext
        {
            Name = family,
            BaseFolder = Repository.Root,
            Device = device,
            ComputeType = bfloat16,
            IsFrozen = frozen,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
        };
        return family == "sd3"
            ? Sd3Model.Load(new Sd3Settings { Folder = TestModel.Folder, Placement = placement }, context).Map(static model => (IDisposable)model)
            : FluxModel.Load(new FluxSettings { Folder = _flux.Source, Placement = placement }, context).Map(static model => (IDisposable)model);
    }
}
