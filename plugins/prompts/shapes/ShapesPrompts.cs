using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Shapes;

namespace LeapAlign.Prompts.Shapes;

/// <summary>Captions of the shapes world (docs/shapes.md), and where asked for a picture that shows each. Everything is a function of the seed.</summary>
/// <param name="settings">How many, and where pictures go.</param>
/// <param name="resolve">Makes a full path of one in settings.</param>
public sealed class ShapesPrompts(ShapesSettings settings, Func<string, string> resolve) : IPromptSource
{
    private static readonly ShapesTask[] s_tasks = Enum.GetValues<ShapesTask>();

    /// <inheritdoc/>
    public Result<IReadOnlyList<Prompt>> Read()
    {
        var folder = settings.Pictures is { } path ? resolve(path) : null;
        try
        {
            if (folder is not null) Directory.CreateDirectory(folder);
            return Enumerable.Range(0, settings.Captions).Select(id => Draw(id, folder)).ToList();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"a picture cannot be written: {exception.Message}", new SourcePlace(folder ?? ""));
        }
    }

    private Prompt Draw(int id, string? folder)
    {
        var random = RandomKey.OfRun(settings.Seed).For("shapes", id).Open();
        var drawn = ShapesPrompt.Draw(s_tasks[id % s_tasks.Length], random);
        var prompt = new Prompt(id, drawn.Caption, drawn.Metadata) { Task = drawn.Tag };
        if (folder is null) return prompt;
        var path = Path.Combine(folder, FormattableString.Invariant($"{settings.Seed}-{id:D6}.png"));
        if (!File.Exists(path)) Write(path, Arrangement.Of(drawn, random));
        return prompt with { Pictures = [path] };
    }

    private static void Write(string path, Scene scene)
    {
        // Written aside, so that a picture is whole whenever it is there.
        File.WriteAllBytes(path + ".part", scene.Draw().ToPng());
        File.Move(path + ".part", path, overwrite: true);
    }
}
