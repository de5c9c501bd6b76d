namespace LeapAlign.Pipeline;

/// <summary>
/// An expected failure, as a value: a stable code (<c>LA####</c>, one page each under <c>docs/faults</c>) and one sentence that says what is wrong,
/// what was expected and the nearest valid name. The families are closed; each has its exit code.
/// </summary>
public abstract record Fault
{
    // A sentence with a list of what is known, and no book.
    private const int LongestMessage = 1200;

    private protected Fault(string code, string message, SourcePlace? place)
    {
        Code = code;
        Message = OneLine.Of(message, LongestMessage);
        Place = place;
    }

    /// <summary>The stable code, one of <see cref="FaultCodes"/>.</summary>
    public string Code { get; }

    /// <summary>One sentence, on one line. What does not show is escaped, and much too long a text lacks its middle: parts of it come from files of others.</summary>
    public string Message { get; }

    /// <summary>The file, line and key, when the fault lies in a file.</summary>
    public SourcePlace? Place { get; init; }

    /// <summary>The process of the run that it happened in, where several share one; null otherwise.</summary>
    public int? Rank { get; init; }

    /// <summary>Lines that mend it, to be pasted as they are; empty where there is no one way. The sentence does not depend on them.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];

    /// <summary>The exit code of a program that ends with this fault.</summary>
    public abstract int ExitCode { get; }

    /// <summary>The same fault whose sentence goes on: what became of the run, what to do now.</summary>
    /// <param name="more">How it goes on, with the punctuation before it.</param>
    public Fault And(string more)
    {
        Fault longer = this switch
        {
            Configuration => new Configuration(Code, Message + more, Place),
            Plugin => new Plugin(Code, Message + more, Place),
            Composition => new Composition(Code, Message + more, Place),
            Input => new Input(Code, Message + more, Place),
            _ => new Run(Code, Message + more, Place),
        };
        return longer with { Rank = Rank };
    }

    /// <summary><c>LA#### rank r: place: message</c>, without the parts that are not known.</summary>
    public sealed override string ToString() => $"{Code} {(Rank is { } rank ? $"rank {rank}: " : "")}{(Place is null ? Message : $"{Place}: {Message}")}";

    /// <summary>plugins.json or an option of the command line is wrong. Exit code 2.</summary>
    public sealed record Configuration(string Code, string Message, SourcePlace? Place = null) : Fault(Code, Message, Place)
    {
        /// <inheritdoc/>
        public override int ExitCode => 2;
    }

    /// <summary>A plugin cannot be found, verified, loaded or used. Exit code 3.</summary>
    public sealed record Plugin(string Code, string Message, SourcePlace? Place = null) : Fault(Code, Message, Place)
    {
        /// <inheritdoc/>
        public override int ExitCode => 3;
    }

    /// <summary>The parts of a run do not fit together. Exit code 4.</summary>
    public sealed record Composition(string Code, string Message, SourcePlace? Place = null) : Fault(Code, Message, Place)
    {
        /// <inheritdoc/>
        public override int ExitCode => 4;
    }

    /// <summary>A model folder, a weights file or a prompt file is not what it should be. Exit code 5.</summary>
    public sealed record Input(string Code, string Message, SourcePlace? Place = null) : Fault(Code, Message, Place)
    {
        /// <inheritdoc/>
        public override int ExitCode => 5;
    }

    /// <summary>The run itself failed: a number went bad, the disk is full, the run folder is taken. Exit code 6.</summary>
    public sealed record Run(string Code, string Message, SourcePlace? Place = null) : Fault(Code, Message, Place)
    {
        /// <inheritdoc/>
        public override int ExitCode => 6;
    }
}
