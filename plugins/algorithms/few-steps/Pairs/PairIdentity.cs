using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>What the pairs of a store are: the content of its <c>pairs.json</c>. Two stores with the same of all but the model's name hold the same pairs.</summary>
internal sealed record PairIdentity
{
    /// <summary>The form of the files that this program writes.</summary>
    public const int CurrentForm = 1;

    /// <summary>Each rollout is kept as its last state alone.</summary>
    public const string LastState = "last";

    private const int KeyDigits = 16;

    /// <summary>The form of the files.</summary>
    public int Form { get; init; } = CurrentForm;

    /// <summary>What the model is called, for people.</summary>
    public required string Model { get; init; }

    /// <summary>The digest of what the policy computed with.</summary>
    public required string Weights { get; init; }

    /// <summary>The sampler and its settings.</summary>
    public required string Sampler { get; init; }

    /// <summary>The scale of guidance.</summary>
    public required double Guidance { get; init; }

    /// <summary>The shape of the latents of a sample.</summary>
    public required IReadOnlyList<long> Latents { get; init; }

    /// <summary>The seed of the noise.</summary>
    public required long Seed { get; init; }

    /// <summary>Pairs of a file: they were made in one rollout.</summary>
    public required int Together { get; init; }

    /// <summary>How samples are kept.</summary>
    public required PairPrecision Precision { get; init; }

    /// <summary>Which states of a rollout are kept.</summary>
    public string States { get; init; } = LastState;

    /// <summary>The name of the store's folder where it has none of its own.</summary>
    [JsonIgnore]
    public string Key => Convert.ToHexStringLower(SHA256.HashData((this with { Model = "" }).ToBytes()))[..KeyDigits];

    /// <summary>What a run's pairs are.</summary>
    /// <param name="origin">What the samples come from.</param>
    /// <param name="settings">How many, and how they are kept.</param>
    /// <param name="states">Which states of a rollout are kept.</param>
    public static PairIdentity Of(SampleOrigin origin, PairSettings settings, string states = LastState) => new()
    {
        Model = origin.Model,
        Weights = origin.Weights,
        Sampler = origin.Sampler,
        Guidance = origin.Guidance,
        Latents = origin.Latents,
        Seed = settings.Seed,
        Together = settings.Together,
        Precision = settings.Precision,
        States = states,
    };

    /// <summary>As <c>pairs.json</c> has it.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, PairJson.Default.PairIdentity);

    /// <summary>Reads <c>pairs.json</c>.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static PairIdentity Read(byte[] bytes) => JsonSerializer.Deserialize(bytes, PairJson.Default.PairIdentity) ?? throw new JsonException("it says null");

    /// <summary>In what these pairs are not those of a run, in words.</summary>
    /// <param name="run">What the run's pairs would be.</param>
    public IReadOnlyList<string> Differences(PairIdentity run)
    {
        if (Form != run.Form) return [$"in the form {Form}, and this program reads the form {run.Form}"];
        return
        [
            .. Weights == run.Weights ? Array.Empty<string>() : [$"by the model '{Model}' ({Weights}), and this run's is '{run.Model}' ({run.Weights})"],
            .. Told("the sampler", Sampler, run.Sampler),
            .. Told("guidance", Guidance, run.Guidance),
            .. Told("latents", $"[{string.Join(", ", Latents)}]", $"[{string.Join(", ", run.Latents)}]"),
            .. Told("seed", Seed, run.Seed),
            .. Told("together", Together, run.Together),
            .. Told("precision", Precision, run.Precision),
            .. Told("states", States, run.States),
        ];
    }

    private static string[] Told<T>(string name, T theirs, T ours) => EqualityComparer<T>.Default.Equals(theirs, ours) ? [] : [FormattableString.Invariant($"with {name} {theirs}, and this run has {ours}")];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(PairIdentity))]
internal sealed partial class PairJson : JsonSerializerContext;
