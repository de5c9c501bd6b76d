using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Draws pictures with the model of plugins.json, or of another folder.</summary>
internal sealed class GenerateVerb(IPluginLoader loader, BundledPlugins bundled, IGeneration generation, Terminal terminal) : IVerb
{
    private readonly Argument<string[]> _captions = new("captions")
    {
        Description = "What to draw; without any, the captions of evaluation.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _model = new("--model", "-m") { Description = "Another model folder, for instance runs/<name>/export.", HelpName = "folder" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "Where the pictures go.", HelpName = "folder", DefaultValueFactory = _ => "images" };
    private readonly Option<long> _seed = new("--seed") { Description = "The seed of the noise." };
    private readonly Option<int?> _steps = new("--steps") { Description = "Sampling steps; those of the sampler when absent." };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "How strongly captions steer; the same as --set guidance.scale=..." };
    private readonly Option<int> _count = new("--count", "-n") { Description = "Pictures for each caption.", DefaultValueFactory = _ => 1 };

    public Command Describe()
    {
        RequireAtLeast(_seed, 0L);
        RequireAtLeast(_count, 1);
        _steps.Validators.Add(result =>
        {
            if (result.GetValue(_steps) is < 1 or > 1000) result.AddError("--steps must be 1 to 1000");
        });
        var command = new Command("generate", "Draws pictures for captions.") { _captions, _model, _output, _seed, _steps, _guidance, _count };
        command.SetAction(Invoke);
        return command;
    }

    private static void RequireAtLeast<T>(Option<T> option, T least)
        where T : IComparable<T>
        => option.Validators.Add(result =>
        {
            if (result.GetValue(option) is { } value && value.CompareTo(least) < 0) result.AddError($"{option.Name} must be at least {least}");
        });

    private int Invoke(ParseResult parsed)
    {
        var workspace = Workspace.Open(parsed, loader, bundled);
        using var interruption = new Interruption(terminal.Error);
        var code = Generate(parsed, workspace, interruption);
        foreach (var fault in workspace.Catalog.Unload()) terminal.Error.Warning(fault);
        return code;
    }

    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Generate(ParseResult parsed, Workspace workspace, Interruption interruption)
    {
        var further = new List<string>();
        if (parsed.GetValue(_model) is { } folder) further.Add($"model.settings.folder={JsonText.Of(Path.GetFullPath(folder))}");
        if (parsed.GetValue(_guidance) is { } scale) further.Add(string.Create(null, $"guidance.scale={scale:R}"));
        var options = new GenerateOptions(
            parsed.GetValue(_captions) ?? [], Path.GetFullPath(parsed.GetValue(_output)!), parsed.GetValue(_seed), parsed.GetValue(_steps), parsed.GetValue(_count));
        var outcome = workspace.Compose(further).Bind(plan =>
        {
            StartupTuning.Apply(plan.Run.Tuning, plan.Run.Threads);
            return plan.WhileRunning(() => generation.Generate(plan, options, interruption.Token));
        });
        return terminal.Finish(outcome, interruption.Token);
    }
}
