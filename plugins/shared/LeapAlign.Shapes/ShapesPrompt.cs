using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Shapes;

/// <summary>The six task families, GenEval's.</summary>
public enum ShapesTask
{
    /// <summary>One shape.</summary>
    SingleObject,

    /// <summary>One shape of a colour.</summary>
    Colors,

    /// <summary>Two to four of a shape, of a colour in 30 %.</summary>
    Counting,

    /// <summary>Two different shapes.</summary>
    TwoObject,

    /// <summary>Two different shapes of different colours.</summary>
    ColorAttr,

    /// <summary>A shape on one side of another, both of a colour in 30 %.</summary>
    Position,
}

/// <summary>A shape that a caption asks for.</summary>
/// <param name="Shape">What it is.</param>
/// <param name="Color">Its colour, or null when any will do.</param>
/// <param name="Count">How many.</param>
public sealed record AskedShape(ShapeClass Shape, ShapeColor? Color, int Count = 1);

/// <summary>What a caption of the shapes world asks for. The caption and GenEval's metadata are two ways of writing it.</summary>
/// <param name="Task">The family.</param>
/// <param name="Shapes">One or two kinds. Of a position, the first is the one whose place is asked for.</param>
/// <param name="Side">Where the first lies from the second; null where no place is asked for.</param>
public sealed record ShapesPrompt(ShapesTask Task, IReadOnlyList<AskedShape> Shapes, Side? Side = null)
{
    private const double Colored = 0.3;
    private static readonly string[] s_numbers = ["", "", "two ", "three ", "four "];

    /// <summary>Draws a caption of a family.</summary>
    public static ShapesPrompt Draw(ShapesTask task, KeyedRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var shapes = random.Shuffle(Enum.GetValues<ShapeClass>());
        var colors = random.Shuffle(Enum.GetValues<ShapeColor>());
        var colored = task is ShapesTask.Colors or ShapesTask.ColorAttr || (task is ShapesTask.Counting or ShapesTask.Position && random.NextDouble() < Colored);
        AskedShape Asked(int index, int count = 1) => new(shapes[index], colored ? colors[index] : null, count);
        return task switch
        {
            ShapesTask.SingleObject or ShapesTask.Colors => new(task, [Asked(0)]),
            ShapesTask.Counting => new(task, [Asked(0, random.NextInt(2, s_numbers.Length))]),
            ShapesTask.Position => new(task, [Asked(0), Asked(1)], (Side)random.NextInt(0, Enum.GetValues<Side>().Length)),
            _ => new(task, [Asked(0), Asked(1)]),
        };
    }

    /// <summary>The caption.</summary>
    public string Caption => Shapes is [var only] ? Words(only) : $"{Words(Shapes[0])} {(Side is { } side ? side.Words() : "and")} {Words(Shapes[1])}";

    /// <summary>The name of the family in metadata.</summary>
    public string Tag => Task switch
    {
        ShapesTask.SingleObject => "single_object",
        ShapesTask.Colors => "colors",
        ShapesTask.Counting => "counting",
        ShapesTask.TwoObject => "two_object",
        ShapesTask.ColorAttr => "color_attr",
        _ => "position",
    };

    /// <summary>GenEval's metadata, one JSON object. As in GenEval, the entry with a position comes after the one that it is related to.</summary>
    public string Metadata
    {
        get
        {
            var entries = Side is null ? Shapes : [Shapes[1], Shapes[0]];
            var include = entries.Select((entry, index) =>
                $"{{\"class\": \"{Word(entry.Shape)}\", \"count\": {entry.Count}{(entry.Color is { } color ? $", \"color\": \"{Word(color)}\"" : "")}{(Side is { } side && index == 1 ? $", \"position\": [\"{side.Words()}\", 0]" : "")}}}");
            return $"{{\"tag\": \"{Tag}\", \"include\": [{string.Join(", ", include)}], \"prompt\": \"{Caption}\"}}";
        }
    }

    private static string Words(AskedShape asked)
    {
        var words = asked.Color is { } color ? $"{Word(color)} {Word(asked.Shape)}" : Word(asked.Shape);
        return asked.Count > 1 ? $"{s_numbers[asked.Count]}{words}{(asked.Shape == ShapeClass.Cross ? "es" : "s")}" : $"{("aeiou".Contains(words[0], StringComparison.Ordinal) ? "an" : "a")} {words}";
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
