using LeapAlign.Contracts.Prompts;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>A prompt of one of the six tasks, and a scene that shows what it asks for. Everything follows from the seed.</summary>
internal sealed class Captioned
{
    private static readonly string[] Relations = ["left of", "right of", "above", "below"];
    private static readonly (double Low, double High)[] Radii = [(10, 16), (8, 12), (7, 10), (6.5, 9)];

    private readonly Random _random;

    public Captioned(int seed)
    {
        _random = new Random(seed);
        var shapes = Shuffled<ShapeClass>();
        var colors = Shuffled<ShapeColor>();
        var task = seed % 6 < 0 ? (seed % 6) + 6 : seed % 6;
        var colored = task is 1 or 4 || (task is 2 or 5 && _random.NextDouble() < 0.3);
        Kinds = task switch
        {
            0 or 1 => [(shapes[0], colors[0])],
            2 => [.. Enumerable.Repeat((shapes[0], colors[0]), _random.Next(2, 5))],
            _ => [(shapes[0], colors[0]), (shapes[1], colors[1])],
        };
        Relation = task == 5 ? _random.Next(Relations.Length) : null;
        Scene = Arrange();
        Prompt = new Prompt(seed, "a picture", $$"""{"tag": "any", "include": [{{string.Join(", ", Kinds.Distinct().Select((kind, i) => Entry(kind, i, colored)))}}], "prompt": "a picture"}""");
    }

    public Prompt Prompt { get; }

    public Scene Scene { get; }

    public IReadOnlyList<(ShapeClass Shape, ShapeColor Color)> Kinds { get; }

    /// <summary>Of the second kind to the first.</summary>
    public int? Relation { get; }

    /// <summary>The scene with one thing wrong.</summary>
    public IEnumerable<(string What, Scene Scene)> Spoiled()
    {
        yield return ("one missing", Scene with { Items = [.. Scene.Items.Skip(1)] });
        var other = Enum.GetValues<ShapeClass>().First(shape => Kinds.All(kind => kind.Shape != shape));
        yield return ("another shape", Scene with { Items = [Scene.Items[0] with { Shape = other }, .. Scene.Items.Skip(1)] });
        if (Prompt.Metadata!.Contains("color", StringComparison.Ordinal))
        {
            var free = Enum.GetValues<ShapeColor>().First(color => Kinds.All(kind => kind.Color != color));
            yield return ("another colour", Scene with { Items = [Scene.Items[0] with { Color = free }, .. Scene.Items.Skip(1)] });
        }
        if (Relation is not null)
        {
            var (first, second) = (Scene.Items[0], Scene.Items[1]);
            yield return ("places exchanged", Scene with { Items = [first with { X = second.X, Y = second.Y }, second with { X = first.X, Y = first.Y }] });
        }
    }

    private T[] Shuffled<T>() where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        _random.Shuffle(values);
        return values;
    }

    private string Entry((ShapeClass Shape, ShapeColor Color) kind, int index, bool colored)
    {
        var color = colored ? $", \"color\": \"{kind.Color.ToString().ToLowerInvariant()}\"" : "";
        var position = Relation is { } relation && index == 1 ? $", \"position\": [\"{Relations[relation]}\", 0]" : "";
        return $"{{\"class\": \"{kind.Shape.ToString().ToLowerInvariant()}\", \"count\": {Kinds.Count(other => other == kind)}{color}{position}}}";
    }

    /// <summary>Draws places until none is too near to another or the edge, and the relation holds clearly.</summary>
    private Scene Arrange()
    {
        while (true)
        {
            List<Item> items = [.. Kinds.Select(kind => Put(kind.Shape, kind.Color, Radii[Kinds.Count - 1]))];
            var apart = items.All(item => items.All(other => ReferenceEquals(item, other) || double.Hypot(item.X - other.X, item.Y - other.Y) > (1.25 * (item.Radius + other.Radius)) + 2));
            if (apart && (Relation is not { } relation || Holds(relation, items[1], items[0]))) return new Scene(items, Uniform(0.9, 1));
        }
    }

    private Item Put(ShapeClass shape, ShapeColor color, (double Low, double High) radii)
    {
        var radius = Uniform(radii.Low, radii.High);
        var edge = (1.3 * radius) + 1;
        return new Item(shape, color, Uniform(edge, Shapes.Scene.Size - edge) - 0.5, Uniform(edge, Shapes.Scene.Size - edge) - 0.5, radius, Uniform(-0.15, 0.15));
    }

    private double Uniform(double low, double high) => low + (_random.NextDouble() * (high - low));

    private static bool Holds(int relation, Item subject, Item reference) => relation switch
    {
        0 => subject.X < reference.X - 6,
        1 => subject.X > reference.X + 6,
        2 => subject.Y < reference.Y - 6,
        _ => subject.Y > reference.Y + 6,
    };
}
