using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>What a model was asked for.</summary>
internal sealed class Said(ConditioningRequest request) : Conditioning
{
    public ConditioningRequest Request => request;

    public override int BatchSize => request.Captions.Count;

    public override int EvaluationsPerVelocity => request.Guidance.IsActive ? 2 : 1;

    protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>A model and its adapter that write down what they are asked.</summary>
internal sealed class Recorded : IFlowMapModel, IFeatureModel, ICandidateAdapters
{
    private readonly List<string> _worn = [];

    public double Value { get; init; }

    public List<string> Asked { get; } = [];

    public ParameterSet Parameters => ParameterSet.Empty;

    public FlowScheduling Scheduling { get; } = new();

    public ImageSize NativeSize { get; } = new(8, 8);

    public GuidanceForm GuidanceForm { get; init; } = GuidanceForm.Branches;

    public bool IsFlowMap => true;

    public string? MapFile => null;

    public int Blocks => 1;

    public int FeatureWidth => 1;

    public int CaptionWidth => 1;

    public IReadOnlyList<string> Candidates => ["ink"];

    public IReadOnlyList<AdapterSite> Bound { get; } = [new("site", 1, 1, SiteRole.Attention)];

    public long Bytes => 0;

    public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([1, 2, 2], 4);

    public Conditioning Encode(ConditioningRequest request) => new Said(request);

    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) => Note(latents, sigmas, conditioning);

    public Tensor MeanVelocity(Tensor latents, IReadOnlyList<double> from, IReadOnlyList<double> to, Conditioning conditioning) => Note(latents, [.. from, .. to], conditioning);

    public Tensor Decode(Tensor latents) => latents.expand(-1, 3, -1, -1).clone();

    public Tensor Captions(Conditioning conditioning) => tensor((float)((Said)conditioning).Request.Guidance.Scale);

    public IDisposable Wear(IReadOnlyList<string> names)
    {
        _worn.AddRange(names);
        return new Off(_worn);
    }

    public void Refresh()
    {
    }

    public Tensor Encode(Tensor images) => throw new NotSupportedException();

    public IDisposable Use(Policy policy) => throw new NotSupportedException();

    public IDisposable SwitchOff() => throw new NotSupportedException();

    public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();

    public Result<Unit> WriteMap(string folder, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

    public Result<string> FeatureContent() => throw new NotSupportedException();

    public IFeatures OpenFeatures(int blocks) => throw new NotSupportedException();

    public IReadOnlyList<Parameter> ParametersOf(AdapterSite site) => throw new NotSupportedException();

    public Tensor UpdateOf(AdapterSite site, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

    public Result<Unit> Write(string folder, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

    public Result<IReadOnlyList<Tensor>> Read(string folder) => throw new NotSupportedException();

    public void Dispose() => GC.SuppressFinalize(this);

    private Tensor Note(Tensor latents, IReadOnlyList<double> levels, Conditioning conditioning)
    {
        var request = ((Said)conditioning).Request;
        Asked.Add(string.Join(' ', [.. request.Captions, FormattableString.Invariant($"{request.Guidance.Scale} {request.Size.Width} x {request.Size.Height}:"), .. levels.Select(static level => FormattableString.Invariant($"{level}")), $"{is_grad_enabled()}", .. _worn]));
        return full_like(latents, Value + (0.01 * string.Concat(_worn).Length));
    }

    private sealed class Off(List<string> worn) : IDisposable
    {
        public void Dispose() => worn.Clear();
    }
}
