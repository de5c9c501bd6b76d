using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Layers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Stable Diffusion 3 and 3.5: any folder that diffusers' <c>StableDiffusion3Pipeline</c> opens.</summary>
public sealed class Sd3Model : IModel, IDisposable
{
    private const long BytesPerMegabyte = 1 << 20;
    private readonly Sd3Networks _networks;
    private readonly TextConditioner _text;
    private readonly EmbeddingCache _cache;
    private readonly PipelineExport _export;

    internal Sd3Model(ModelIndex index, Sd3Networks networks, TextConditioner text, EmbeddingCache cache)
    {
        (_export, _networks, _text, _cache) = (new PipelineExport(index, networks.Weights, text.Length), networks, text, cache);
        Parameters = networks.IsTrained ? networks.Weights.ToParameterSet() : ParameterSet.Empty;
        var size = networks.Configs.Transformer.SampleSize * networks.Configs.Vae.SpatialFactor;
        NativeSize = new ImageSize(size, size);
        Scheduling = index.Scheduling with { ImageTokens = Tokens(NativeSize) };
    }

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
        ScalarType Type(string dtype) => dtype == "run" ? context.ComputeType : ScalarType.Float32;
        var types = new Sd3Types(context.ComputeType, Type(settings.TextDtype), Type(settings.DecoderDtype));
        var folder = context.Resolve(settings.Folder);
        return from named in PipelineExport.HoldsFiles(Path.Combine(folder, "model_index.json"))
               from index in ModelIndex.Read(folder, context.Warn)
               from files in PipelineExport.HoldsFiles(index.Components.Select(index.Component))
               from configs in Sd3Configs.Read(index, context.Warn)
               from tokenizers in PipelineTokenizers.Load(index, configs, settings, context)
               from model in Load(index, configs, tokenizers, context, (types, settings.EmbeddingCache * BytesPerMegabyte))
               select model;
    }

    /// <inheritdoc/>
    public Result<LatentSpace> Latents(ImageSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        var transformer = _networks.Configs.Transformer;
        var unit = _networks.Configs.Vae.SpatialFactor * transformer.PatchSize;
        var largest = transformer.PositionTableSize * unit;
        if (size.Width <= 0 || size.Height <= 0 || size.Width % unit != 0 || size.Height % unit != 0 || size.Width > largest || size.Height > largest)
            return new Fault.Configuration(FaultCodes.OutOfRange, $"a picture of {size} does not fit this model: width and height are multiples of {unit}, at most {largest}");
        return new LatentSpace([transformer.InChannels, size.Height / _networks.Configs.Vae.SpatialFactor, size.Width / _networks.Configs.Vae.SpatialFactor], Tokens(size));
    }

    /// <inheritdoc/>
    public Conditioning Encode(ConditioningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var embedding = Embed(request.Captions);
        if (!request.Guidance.IsActive) return new Sd3Conditioning(embedding, null, request.Guidance);
        if (request.Negatives is { } negatives) return new Sd3Conditioning(embedding, Embed(negatives), request.Guidance);
        using var empty = Embed([""]);
        return new Sd3Conditioning(embedding, empty.Repeat(request.Captions.Count), request.Guidance);
    }

    /// <inheritdoc/>
    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(sigmas);
        var known = conditioning as Sd3Conditioning ?? throw new ArgumentException("the conditioning was not made by this model", nameof(conditioning));
        if (sigmas.Count != 1 && sigmas.Count != latents.shape[0]) throw new ArgumentException($"{sigmas.Count} noise levels for {latents.shape[0]} samples", nameof(sigmas));
        Tensor Branch(TextEmbedding text, Tensor state)
        {
            using var timesteps = Times(sigmas, state, Scheduling.TrainingSteps);
            return _networks.Transformer.Forward(state, text.Context, text.Pooled, timesteps);
        }

        Tensor Conditional(Tensor state) => Branch(known.Captions, state);
        return known.Negative is { } negative ? known.Guidance.Apply(latents, Conditional, state => Branch(negative, state)) : Conditional(latents);
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var pictures = _networks.Autoencoder.Decoder.Decode(latents).to(ScalarType.Float32).mul(0.5).add(0.5);
        return Activation.Clamp01(pictures).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Encode(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        return _networks.Autoencoder.Encoder.Latents(images.mul(2).sub(1)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Refresh() => _networks.Weights.Refresh();

    /// <inheritdoc/>
    public IDisposable Use(Policy policy) => _networks.Weights.Use(policy);

    /// <inheritdoc/>
    public Result<long?> CheckExport(ExportRequest export)
    {
        ArgumentNullException.ThrowIfNull(export);
        return _export.Check(export.Type).Map(static bytes => (long?)bytes);
    }

    /// <inheritdoc/>
    public Result<Unit> Export(ExportRequest export) => _export.Write(export);

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _networks.Dispose();
    }

    private static Result<Sd3Model> Load(ModelIndex index, Sd3Configs configs, TextTokenizers tokenizers, PartContext context, (Sd3Types Types, long CacheBytes) options)
    {
        var networks = new Sd3Networks(configs) { IsTrained = !context.IsFrozen };
        var loaded = networks.Load(index, context.Device, options.Types);
        if (!loaded.IsOk) networks.Dispose();
        return loaded.Map(_ => new Sd3Model(index, networks, new TextConditioner(networks, tokenizers, context.Device), new EmbeddingCache(options.CacheBytes)));
    }

    private TextEmbedding Embed(IReadOnlyList<string> captions)
    {
        // A length before each caption makes the key unambiguous whatever the captions contain.
        var key = string.Concat(captions.Select(static caption => FormattableString.Invariant($"{caption.Length}:{caption}")));
        if (_cache.Find(key) is { } kept) return kept.Share();
        var embedding = _text.Encode(captions);
        _cache.Keep(key, embedding);
        return embedding;
    }

    private int Tokens(ImageSize size)
    {
        var unit = _networks.Configs.Vae.SpatialFactor * _networks.Configs.Transformer.PatchSize;
        return size.Width / unit * (size.Height / unit);
    }

    /// <summary>T σ of each sample, [B], fp32, T being the training table's length: a level is rounded before it is multiplied, as the reference does.</summary>
    private static Tensor Times(IReadOnlyList<double> sigmas, Tensor latents, int trainingSteps)
    {
        float[] times = [.. sigmas.Select(sigma => trainingSteps * (float)sigma)];
        return times.Length == 1
            ? full([latents.shape[0]], times[0], dtype: ScalarType.Float32, device: latents.device)
            : tensor(times, dtype: ScalarType.Float32, device: latents.device);
    }
}
