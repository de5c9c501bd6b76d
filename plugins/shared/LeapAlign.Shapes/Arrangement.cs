using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Shapes;

/// <summary>Puts what a caption asks for on a ground: sizes by the number of items, centres away from the edge and from each other, the relation held clearly.</summary>
public static class Arrangement
{
    private const double Margin = 6;
    private static readonly (double Low, double High)[] s_radii = [(10, 16), (8, 12), (7, 10), (6.5, 9)];

    /// <summary>A scene that shows what a prompt asks for; shapes without a colour get one of their own.</summary>
    public static Scene Of(ShapesPrompt prompt, KeyedRandom random)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(random);
        var colors = random.Shuffle(Enum.GetValues<ShapeColor>());
        var asked = prompt.Shapes.SelectMany((shape, kind) => Enumerable.Repeat((shape.Shape, Color: shape.Color ?? colors[kind]), shape.Count)).ToList();
        while (true)
        {
            Item[] items = [.. asked.Select(item => Put(item.Shape, item.Color, s_radii[asked.Count - 1], random))];
            var apart = items.All(item => items.All(other => ReferenceEquals(item, other) || double.Hypot(item.X - other.X, item.Y - other.Y) > (1.25 * (item.Radius + other.Radius)) + 2));
            if (apart && (prompt.Side is not { } side || side.Holds((items[0].X, items[0].Y), (items[1].X, items[1].Y), Margin))) return new Scene(items, Uniform(random, 0.9, 1));
        }
    }

    private static Item Put(ShapeClass shape, ShapeColor color, (double Low, double High) radii, KeyedRandom random)
    {
        var radius = Uniform(random, radii.Low, radii.High);
        var edge = (1.3 * radius) + 1;
        return new Item(shape, color, Uniform(random, edge, Scene.Size - edge) - 0.5, Uniform(random, edge, Scene.Size - edge) - 0.5, radius, Uniform(random, -0.15, 0.15));
    }

    private static double Uniform(KeyedRandom random, double low, double high) => low + (random.NextDouble() * (high - low));
}
