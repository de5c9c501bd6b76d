using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Shapes;
using LeapAlign.Storage.Disks;

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
            return Enumerable.Range(0, settings.Captions).Select(id => Draw(id, folder)).All();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"a picture cannot be written: {exception.Message}", new SourcePlace(folder ?? ""));
        }
    }

    private Result<Prompt> Draw(int id, string? folder)
    {
        var random = RandomKey.OfRun(settings.Seed).For("shapes", id).Open();
        var drawn = ShapesPrompt.Draw(s_tasks[id % s_tasks.Length], random);
        var prompt = new Prompt(id, drawn.Caption, drawn.Metadata) { Task = drawn.Tag };
        if (folder is null) return prompt;
        var path = Path.Combine(folder, FormattableString.Invariant($"{settings.Seed}-{id:D6}.png"));
        var written = File.Exists(path) ? Unit.Value : WholeFile.Write(path, Arrangement.Of(drawn, random).Draw().ToPng());
        return written.Map(_ => prompt with { Pictures = [path] });
    }
}
