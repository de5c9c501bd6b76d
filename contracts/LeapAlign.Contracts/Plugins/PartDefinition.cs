using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Plugins;

/// <summary>
/// A part that a plugin offers: its id, the type of its settings, what it requires of the other parts and provides to them, and how it is made.
/// Settings are records read by source-generated System.Text.Json; their attributes (<c>Description</c>, <c>Range</c>, <c>AllowedValues</c>) become the
/// schema of plugins.json.
/// </summary>
public sealed class PartDefinition
{
    private readonly Func<object, PartContext, Result<object>> _create;
    private readonly Func<object, IEnumerable<string>> _requires;
    private readonly Func<object, IEnumerable<string>> _provides;
    private Func<object, int, NetworkCost>? _cost;
    private Func<object, int>? _steps;

    private PartDefinition(Type part, string id, JsonTypeInfo settings, Func<object, PartContext, Result<object>> create)
        : this(PartKinds.Of(part), id, settings, create, static _ => [], static _ => [])
    {
        if (typeof(IDifferentiableReward).IsAssignableFrom(part)) _provides = static _ => [Capabilities.DifferentiableReward];
        if (typeof(IFeatureModel).IsAssignableFrom(part)) _provides = static _ => [Capabilities.Features];
        if (typeof(ILatentReward).IsAssignableFrom(part))
            _provides = typeof(IDifferentiableLatentReward).IsAssignableFrom(part) ? static _ => [Capabilities.DifferentiableReward, Capabilities.LatentReward] : static _ => [Capabilities.LatentReward];
        if (typeof(ISampler).IsAssignableFrom(part) && !typeof(IFlowMapSampler).IsAssignableFrom(part)) _provides = static _ => [Capabilities.VelocityPath];
        if (typeof(IStochasticSampler).IsAssignableFrom(part)) _provides = static _ => [Capabilities.VelocityPath, Capabilities.LogProbability];
        // Whose law the samples of a draft are depends on settings: such a sampler says it.
        if (typeof(ISpeculativeSampler).IsAssignableFrom(part)) _provides = static _ => [];
        if (typeof(IFlowMapSampler).IsAssignableFrom(part)) _requires = static _ => [Capabilities.FlowMap];
        if (typeof(IGroupReward).IsAssignableFrom(part) || typeof(IPairwiseReward).IsAssignableFrom(part)) _requires = static _ => [Capabilities.GroupedPrompts];
    }

    private PartDefinition(
        string kind,
        string id,
        JsonTypeInfo settings,
        Func<object, PartContext, Result<object>> create,
        Func<object, IEnumerable<string>> requires,
        Func<object, IEnumerable<string>> provides)
        => (Kind, Id, Settings, _create, _requires, _provides) = (kind, id, settings, create, requires, provides);

    /// <summary>One of <see cref="PartKinds"/>.</summary>
    public string Kind { get; }

    /// <summary>The word that plugins.json uses, unique among the parts of its kind.</summary>
    public string Id { get; }

    /// <summary>The type of the settings, for their schema.</summary>
    public JsonTypeInfo Settings { get; }

    /// <summary>Describes a part whose making cannot fail.</summary>
    /// <typeparam name="TPart">The contract or a class that implements it; <see cref="IDifferentiableReward"/> provides <c>differentiable-reward</c>, <see cref="ILatentReward"/> <c>latent-reward</c>, <see cref="IFeatureModel"/> <c>features</c>, <see cref="IStochasticSampler"/> <c>log-prob</c>; an <see cref="IFlowMapSampler"/> requires <c>flow-map</c>, an <see cref="ISpeculativeSampler"/> provides nothing by itself, and other samplers provide <c>velocity-path</c>.</typeparam>
    /// <typeparam name="TSettings">The record of its settings.</typeparam>
    /// <param name="id">The word that plugins.json uses.</param>
    /// <param name="settings">From a <c>JsonSerializerContext</c>.</param>
    /// <param name="create">Makes the part when a run begins.</param>
    public static PartDefinition Of<TPart, TSettings>(string id, JsonTypeInfo<TSettings> settings, Func<TSettings, PartContext, TPart> create)
        where TPart : class
        where TSettings : class =>
        new(typeof(TPart), id, SettingsType.Strict(settings), (value, context) => Result.Ok<object>(create((TSettings)value, context)));

    /// <summary>Describes a part whose making can fail: a folder may be absent, a file damaged.</summary>
    /// <inheritdoc cref="Of{TPart, TSettings}"/>
    public static PartDefinition TryOf<TPart, TSettings>(string id, JsonTypeInfo<TSettings> settings, Func<TSettings, PartContext, Result<TPart>> create)
        where TPart : class
        where TSettings : class =>
        new(typeof(TPart), id, SettingsType.Strict(settings), (value, context) => create((TSettings)value, context).Map(static part => (object)part));

    /// <summary>The same part, requiring capabilities of the other parts; they may depend on its settings.</summary>
    public PartDefinition Requiring<TSettings>(Func<TSettings, IEnumerable<string>> requires) =>
        new(Kind, Id, Settings, _create, settings => requires((TSettings)settings), _provides) { _cost = _cost, _steps = _steps };

    /// <summary>The same part, requiring capabilities of the other parts.</summary>
    public PartDefinition Requiring(params string[] capabilities) => new(Kind, Id, Settings, _create, _ => capabilities, _provides) { _cost = _cost, _steps = _steps };

    /// <summary>The same part, providing further capabilities.</summary>
    public PartDefinition Providing(params string[] capabilities) =>
        new(Kind, Id, Settings, _create, _requires, settings => [.. _provides(settings), .. capabilities]) { _cost = _cost, _steps = _steps };

    /// <summary>The same part, providing further capabilities that depend on its settings.</summary>
    public PartDefinition Providing<TSettings>(Func<TSettings, IEnumerable<string>> provides) =>
        new(Kind, Id, Settings, _create, _requires, settings => [.. _provides(settings), .. provides((TSettings)settings)]) { _cost = _cost, _steps = _steps };

    /// <summary>The same algorithm, saying what it costs with N sampling steps.</summary>
    public PartDefinition Costing<TSettings>(Func<TSettings, int, NetworkCost> cost) =>
        new(Kind, Id, Settings, _create, _requires, _provides) { _cost = (settings, steps) => cost((TSettings)settings, steps), _steps = _steps };

    /// <summary>The same sampler, saying how many steps its settings take. It is asked where nothing is made, for lists of costs.</summary>
    public PartDefinition Stepping<TSettings>(Func<TSettings, int> steps) =>
        new(Kind, Id, Settings, _create, _requires, _provides) { _cost = _cost, _steps = settings => steps((TSettings)settings) };

    /// <summary>What the part asks of the others, with these settings.</summary>
    public IReadOnlyList<string> Requires(object settings) => [.. _requires(settings)];

    /// <summary>What the part offers to the others, with these settings.</summary>
    public IReadOnlyList<string> Provides(object settings) => [.. _provides(settings)];

    /// <summary>What an algorithm costs for each image, with these settings and N steps; null when it does not say.</summary>
    public NetworkCost? Cost(object settings, int steps) => _cost?.Invoke(settings, steps);

    /// <summary>N of a sampler with these settings; null when it does not say.</summary>
    public int? Steps(object settings) => _steps?.Invoke(settings);

    /// <summary>Reads settings; absent keys take their defaults.</summary>
    /// <param name="json">A JSON object.</param>
    /// <exception cref="JsonException">The text does not fit the type.</exception>
    public object ReadSettings(string json) =>
        JsonSerializer.Deserialize(json, Settings) ?? throw new JsonException($"the settings of '{Id}' are null");

    /// <summary>Writes settings with every default filled in.</summary>
    public string WriteSettings(object settings) => JsonSerializer.Serialize(settings, Settings);

    /// <summary>Makes the part; called once when a run begins, when nothing else can be wrong with the composition.</summary>
    public Result<object> Create(object settings, PartContext context) => _create(settings, context);
}
