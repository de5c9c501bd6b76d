using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Stable Diffusion 3 and 3.5: any folder that diffusers' <c>StableDiffusion3Pipeline</c> opens.</summary>
public sealed class Sd3Model : IFeatureModel, IFlowMapModel, IPlannedModel, IDisposable
{
    private const long BytesPerMegabyte = 1 << 20;
    private readonly Sd3Networks _networks;
    private readonly TextConditioner _text;
    private readonly EmbeddingCache _cache;
    private readonly PipelineFolder _folder;
    private readonly PipelineExport _export;
    private readonly ITrainable _trained;
    private readonly PictureGrid _grid;
    private readonly CancellationToken _stop;

    internal Sd3Model(PipelineFolder folder, Sd3Networks networks, TextConditioner text, EmbeddingCache cache, Action<Fault>? warn = null, CancellationToken stop = default)
    {
        (_export, _networks, _text, _cache) = (new PipelineExport(folder, networks.Weights, new ExportCard(text.Length), warn, networks.Gap), networks, text, cache);
        (_folder, _stop) = (folder, stop);
        _trained = PipelineWeights.Of(networks.Weights, networks.IsTrained, networks.Gap);
        Parameters = _trained.Parameters;
        _grid = networks.Configs.Grid;
        NativeSize = _grid.Square(networks.Configs.Transformer.SampleSize);
        Scheduling = folder.Scheduling with { ImageTokens = _grid.Tokens(NativeSize) };
    }

    /// <summary>The networks, for tests.</summary>
    internal Sd3Networks Networks => _networks;

    /// <inheritdoc/>
    public ParameterSet Parameters { get; }

    /// <inheritdoc/>
    public GuidanceForm GuidanceForm => GuidanceForm.Branches;

    /// <inheritdoc/>
    public IReadOnlyList<AdapterSite> Sites => _networks.Weights.Sites;

    /// <inheritdoc/>
    public FlowScheduling Scheduling { get; }

    /// <inheritdoc/>
    public ImageSize NativeSize { get; }

    /// <summary>Opens a model folder and reads all weights.</summary>
    public static Result<Sd3Model> Load(Sd3Settings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var types = PipelineTypes.Of(context.ComputeType, settings.TextDtype, settings.DecoderDtype);
        return from folder in PipelineFolder.Open(context.Resolve(settings.Folder), PipelineFamilies.StableDiffusion3, context.Warn)
               from configs in Sd3Configs.Read(folder, context.Warn)
               from fits in configs.Grid.Check(context.Sizes)
               from homes in settings.Placement.In(context)
               from tokenizers in TextTokenizers.Load(folder, configs, settings.TextLength, context)
               from model in Load(folder, configs, tokenizers, context, (homes, types, settings.EmbeddingCache * BytesPerMegabyte, FewerBits.Of(settings.Quantization, settings.QuantizationCache, context), (settings.FlowMap, settings.FlowMapFrom)))
               select model;
    }

    /// <inheritdoc/>
    public Result<LatentSpace> Latents(ImageSize size) => _grid.Latents(size);

    /// <inheritdoc/>
    public bool IsFlowMap => _networks.Gap is not null;

    /// <inheritdoc/>
    public string? MapFile => Gap.File;

    private GapEmbedding Gap => _networks.Gap ?? throw new InvalidOperationException("the settings of this model ask for no flow map");

    /// <inheritdoc/>
    public Conditioning Encode(ConditioningRequest request) => BranchedConditioning.Of(request, Embed);

    /// <inheritdoc/>
    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        if (IsFlowMap) return MeanVelocity(latents, sigmas, sigmas, conditioning);
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(sigmas);
        return Guided(latents, sigmas, Known(conditioning), null);
    }

    /// <inheritdoc/>
    public Tensor MeanVelocity(Tensor latents, IReadOnlyList<double> from, IReadOnlyList<double> to, Conditioning conditioning)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        return Guided(latents, from, Known(conditioning), Gap.Forward(SampleTimes.Gaps(from, to, latents))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public int Blocks => _networks.Configs.Transformer.Layers;

    /// <inheritdoc/>
    public int FeatureWidth => _networks.Configs.Transformer.Width;

    /// <inheritdoc/>
    public int CaptionWidth => _networks.Configs.Transformer.PooledWidth;

    /// <inheritdoc/>
    public Tensor Captions(Conditioning conditioning) => Known(conditioning).Captions.Pooled.detach().to(ScalarType.Float32);

    /// <inheritdoc/>
    public Result<string> FeatureContent() => _folder.ContentOf("transformer", _stop);

    /// <inheritdoc/>
    public IFeatures OpenFeatures(int blocks)
    {
        var gap = _networks.Gap is { } embedding ? new KeptGap(embedding) : null;
        return new PipelineFeatures(
            _networks.Weights.Keep(_networks.Transformer.WeightsOfHidden(blocks)),
            (latents, sigmas, conditioning) =>
            {
                _networks.Weights.RequireFiles();
                var text = Known(conditioning).Captions;
                return _networks.Transformer.Hidden(latents, text.Context, text.Pooled, Times(sigmas, latents), blocks, gap?.Diagonal(latents));
            },
            static conditioning => Known(conditioning).Captions,
            gap);
    }

    /// <inheritdoc/>
    public long TrainableNumbers => _networks.Weights.Numbers + (_networks.Gap?.Parameters.Sum(static parameter => parameter.Value.numel()) ?? 0);

    /// <inheritdoc/>
    public IReadOnlyList<PlacedWeights> Placed => _networks.Placed(_text.Homes);

    /// <inheritdoc/>
    public IReadOnlyList<WorkPiece> Work(ImageSize size, int samples)
    {
        var latents = Latents(size).Match(static space => space, static fault => throw new FaultException(fault)).Batch(samples);
        return [.. _networks.Transformer.Work(latents, _text.Tokens, _text.Device, _networks.IsTrained), _networks.Autoencoder.Work(latents, _text.Device)];
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor latents) => _networks.Autoencoder.Decode(latents);

    /// <inheritdoc/>
    public Tensor Encode(Tensor images) => _networks.Autoencoder.Encode(images);

    /// <inheritdoc/>
    public void Refresh() => _trained.Refresh();

    /// <inheritdoc/>
    public IDisposable Use(Policy policy) => _trained.Use(policy);

    /// <inheritdoc/>
    public IDisposable? UseReference() => _trained.UseReference();

    /// <inheritdoc/>
    public Result<long?> CheckExport(ExportRequest export) => _export.Check(export).Map(static bytes => (long?)bytes);

    /// <inheritdoc/>
    public Result<Unit> Export(ExportRequest export) => _export.Write(export);

    /// <inheritdoc/>
    public Result<Unit> WriteMap(string folder, IReadOnlyList<Tensor> values) => FlowMapFile.Write(Path.Combine(folder, IFlowMapModel.FileName), Gap, values);

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _networks.Dispose();
    }

    private static Result<Sd3Model> Load(PipelineFolder folder, Sd3Configs configs, TextTokenizers tokenizers, PartContext context, (PipelineHomes Homes, PipelineTypes Types, long CacheBytes, FewerBits? FewerBits, (bool FlowMap, string? From) Map) options)
    {
        var networks = new Sd3Networks(configs, context.BlocksPerCheckpoint) { IsTrained = !context.IsFrozen };
        var loaded = networks.Load(folder, options.Homes, options.Types, options.FewerBits).Bind(_ => networks.OpenGap(folder, options.Map.FlowMap, options.Map.From, context));
        if (!loaded.IsOk) networks.Dispose();
        return loaded.Map(_ => new Sd3Model(folder, networks, new TextConditioner(networks, tokenizers, options.Homes), new EmbeddingCache(options.CacheBytes), context.Warn, context.Stop));
    }

    private Tensor Guided(Tensor latents, IReadOnlyList<double> sigmas, BranchedConditioning known, Tensor? gap)
    {
        _networks.Weights.RequireFiles();
        return known.Guide(latents, (text, state) =>
        {
            using var timesteps = Times(sigmas, state);
            return _networks.Transformer.Forward(state, text.Context, text.Pooled, timesteps, gap);
        });
    }

    private static BranchedConditioning Known(Conditioning conditioning) => conditioning as BranchedConditioning ?? throw new ArgumentException("the conditioning was not made by this model", nameof(conditioning));

    // T σ, T being the training table's length.
    private Tensor Times(IReadOnlyList<double> sigmas, Tensor state) => SampleTimes.Of(sigmas, state, level => Scheduling.TrainingSteps * level);

    private TextEmbedding Embed(IReadOnlyList<string> captions) => _cache.Of(captions, _text.Encode);
}
