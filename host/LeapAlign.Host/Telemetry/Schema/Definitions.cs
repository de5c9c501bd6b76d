namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>An attribute of spans, measurements or the resource.</summary>
/// <param name="Name">Its name; <c>&lt;...&gt;</c> stands for a name that the run gives.</param>
/// <param name="Type">string, int, double or boolean.</param>
/// <param name="Meaning">One sentence.</param>
internal sealed record AttributeDefinition(string Name, string Type, string Meaning);

/// <summary>A span.</summary>
/// <param name="Name">Its name, the same for each of its kind.</param>
/// <param name="Source">The ActivitySource that starts it.</param>
/// <param name="Parent">The spans that it lies in.</param>
/// <param name="Meaning">One sentence.</param>
/// <param name="Attributes">What it carries.</param>
internal sealed record SpanDefinition(string Name, string Source, string Parent, string Meaning, params IReadOnlyList<AttributeDefinition> Attributes);

/// <summary>A metric.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">The kind of its instrument.</param>
/// <param name="Unit">Its unit, as UCUM writes it.</param>
/// <param name="Meaning">One sentence.</param>
/// <param name="Attributes">What each measurement carries.</param>
internal sealed record MetricDefinition(string Name, InstrumentKind Kind, string Unit, string Meaning, params IReadOnlyList<AttributeDefinition> Attributes)
{
    /// <summary>The Meter that measures it.</summary>
    public string Meter { get; init; } = SourceNames.Kernel;
}

/// <summary>The kinds of instruments.</summary>
internal enum InstrumentKind
{
    /// <summary>A sum that only grows.</summary>
    Counter,

    /// <summary>A sum that grows and shrinks.</summary>
    UpDownCounter,

    /// <summary>The last value.</summary>
    Gauge,

    /// <summary>A distribution.</summary>
    Histogram,
}
