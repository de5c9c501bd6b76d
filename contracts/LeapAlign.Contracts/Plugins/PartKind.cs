namespace LeapAlign.Contracts.Plugins;

/// <summary>How many parts a section of plugins.json holds.</summary>
public enum PartCount
{
    /// <summary>Exactly one.</summary>
    One,

    /// <summary>One, or the section is absent.</summary>
    OneOrNone,

    /// <summary>A list of at least one.</summary>
    OneOrMore,

    /// <summary>A list that may be empty or absent.</summary>
    Any,
}

/// <summary>A kind of part: a row of <see cref="PartKinds.Table"/>, from which the host reads, checks, writes and explains every section that holds such parts.</summary>
public sealed class PartKind
{
    /// <summary>Describes a kind.</summary>
    /// <param name="name">What plugin.json and messages call it.</param>
    /// <param name="contracts">The interfaces of which a part of the kind implements one.</param>
    /// <param name="sections">Where plugins.json names parts of the kind; all of them lists, or none.</param>
    internal PartKind(string name, IReadOnlyList<Type> contracts, params IReadOnlyList<PartSection> sections)
    {
        (Name, Contracts, Sections) = (name, contracts, sections);
        foreach (var section in sections) section.Kind = this;
    }

    /// <summary>What plugin.json and messages call it.</summary>
    public string Name { get; }

    /// <summary>The interfaces of which a part of the kind implements one.</summary>
    public IReadOnlyList<Type> Contracts { get; }

    /// <summary>Where plugins.json names parts of the kind. The first is the usual one.</summary>
    public IReadOnlyList<PartSection> Sections { get; }

    /// <summary>Capabilities that a part of this kind is expected to provide: a message about one that is missing points at it.</summary>
    public IReadOnlyList<string> Capabilities { get; internal init; } = [];

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A section of plugins.json that names parts of a kind.</summary>
public sealed class PartSection
{
    /// <summary>The path of the teacher.</summary>
    public const string Teacher = "teacher";

    /// <summary>The path of the captions of evaluation.</summary>
    public const string EvaluationPrompts = "evaluation.prompts";

    /// <summary>The path of the rewards.</summary>
    public const string Rewards = "rewards";

    /// <summary>The path of the objectives beside the algorithm's.</summary>
    public const string Objectives = "objectives";

    internal PartSection(string path, PartCount count, string meaning) => (Path, Count, Meaning) = (path, count, meaning);

    /// <summary>The key of plugins.json; <c>section.key</c> when it stands in a section of the host's.</summary>
    public string Path { get; }

    /// <summary>How many parts it holds.</summary>
    public PartCount Count { get; }

    /// <summary>One sentence for schemas and help.</summary>
    public string Meaning { get; }

    /// <summary>The id of a part that the host knows itself, which stands here when nothing does; null where there is none. No plugin offers it.</summary>
    public string? Default { get; internal init; }

    /// <summary>One sentence about <see cref="Default"/>.</summary>
    public string DefaultMeaning { get; internal init; } = "";

    /// <summary>The kind of its parts.</summary>
    public PartKind Kind { get; internal set; } = null!;

    /// <summary>Whether it is a list. Entries of lists have names.</summary>
    public bool IsList => Count is PartCount.OneOrMore or PartCount.Any;

    /// <summary>Whether no run is without it.</summary>
    public bool IsRequired => Count is PartCount.One or PartCount.OneOrMore;

    /// <inheritdoc/>
    public override string ToString() => Path;
}
