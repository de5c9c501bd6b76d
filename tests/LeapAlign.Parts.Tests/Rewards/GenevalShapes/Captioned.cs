using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>A prompt of one of the six tasks, and a scene that shows what it asks for. Everything follows from the seed.</summary>
internal sealed class Captioned
{
    private static readonly ShapesTask[] s_tasks = Enum.GetValues<ShapesTask>();

    private readonly ShapesPrompt _drawn;

    public Captioned(int seed)
    {
        var random = RandomKey.OfRun(seed).Open();
        _drawn = ShapesPrompt.Draw(s_tasks[(int)((uint)seed % s_tasks.Length)], random);
        Scene = Arrangement.Of(_drawn, random);
        Prompt = new Prompt(seed, _drawn.Caption, _drawn.Metadata);
    }

    public Prompt Prompt { get; }

    public Scene Scene { get; }

    /// <summary>The scene with one thing wrong.</summary>
    public IEnumerable<(string What, Scene Scene)> Spoiled()
    {
        yield return ("one missing", Scene with { Items = [.. Scene.Items.Skip(1)] });
        var other = Enum.GetValues<ShapeClass>().First(shape => Scene.Items.All(item => item.Shape != shape));
        yield return ("another shape", Scene with { Items = [Scene.Items[0] with { Shape = other }, .. Scene.Items.Skip(1)] });
        if (_drawn.Shapes[0].Color is not null)
        {
            var free = Enum.GetValues<ShapeColor>().First(color => Scene.Items.All(item => item.Color != color));
            yield return ("another colour", Scene with { Items = [Scene.Items[0] with { Color = free }, .. Scene.Items.Skip(1)] });
        }
        if (_drawn.Side is not null)
        {
            var (first, second) = (Scene.Items[0], Scene.Items[1]);
            yield return ("places exchanged", Scene with { Items = [first with { X = second.X, Y = second.Y }, second with { X = first.X, Y = first.Y }] });
        }
    }
}
