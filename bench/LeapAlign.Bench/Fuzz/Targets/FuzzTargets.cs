using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>What can be tried.</summary>
internal static class FuzzTargets
{
    /// <summary>Every target: how it is made in a repository.</summary>
    public static IReadOnlyDictionary<string, Func<string, IFuzzTarget>> All { get; } = new SortedDictionary<string, Func<string, IFuzzTarget>>(StringComparer.Ordinal)
    {
        [ConfigurationTarget.Word] = static root => new ConfigurationTarget(root),
        [ManifestTarget.Word] = static root => new ManifestTarget(root),
        [PromptsTarget.Word] = static root => new PromptsTarget(root),
        [SafetensorsTarget.Word] = static root => new SafetensorsTarget(root),
    };

    /// <summary>Makes a target.</summary>
    /// <param name="name">Its word.</param>
    /// <param name="root">The root of the repository.</param>
    public static Result<IFuzzTarget> Open(string name, string root) => All.TryGetValue(name, out var make)
        ? Result.Ok(make(root))
        : new Fault.Configuration(FaultCodes.BadOption, $"'{name}' cannot be tried; known are {string.Join(", ", All.Keys)}");
}
