using System.CommandLine;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Draws pictures with the model of plugins.json, or of another folder.</summary>
internal sealed class GenerateVerb(PlanRun run, IGeneration generation) : IVerb
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
    private readonly Option<string?> _size = new("--size") { Description = "The size of the pictures in pixels, such as 512x512; the model's own when absent.", HelpName = "width x height" };
    private readonly Option<int> _count = new("--count", "-n") { Description = "Pictures for each caption.", DefaultValueFactory = _ => 1 };

    private readonly Option<string?> _rows = new(GenerateOptions.RowsOption)
    {
        Description = "Writes a row of JSON for each picture: its file, its caption and what the file of captions says of it, as score --captions reads it; - for standard output.",
        HelpName = "file",
    };

    private readonly Option<bool> _latents = new("--latents")
    {
        Description = "Writes the latents that each picture is decoded from beside it, as a safetensors file that the rows name: the prompt source scored learns from them without an encoder.",
    };

    public bool WritesFiles => true;

    public Command Describe()
    {
        _captions.Validators.Add(static result =>
        {
            foreach (var token in result.Tokens)
            {
                if (CaptionArgument.Refusal(token.Value, static file => $"--set evaluation.prompts.settings.path={Quoted.Words(Path.GetFullPath(file))}") is { } refusal) result.AddError(refusal);
            }
        });
        _seed.Limit(0, long.MaxValue);
        _steps.Limit(1, 1000);
        _count.Limit(1, 1024);
        _size.Refuse(static word => ImageSize.TryParse(word, out _) ? null : $"--size is {ImageSize.Form}, not {Quoted.Words(word)}");
        var command = new Command("generate", "Draws pictures for captions.") { _captions, _model, _output, _seed, _steps, _guidance, _size, _count, _rows, _latents };
        command.KeepApart([_rows, _output]);
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var further = new List<string>();
        var model = parsed.GetValue(_model) is { } folder ? Path.GetFullPath(folder) : null;
        if (parsed.GetValue(_guidance) is { } scale) further.Add(string.Create(null, $"guidance.scale={scale:R}"));
        var options = new GenerateOptions(
            parsed.GetValue(_captions) ?? [], Path.GetFullPath(parsed.GetValue(_output)!), parsed.GetValue(_seed), parsed.GetValue(_steps), parsed.GetValue(_count))
        {
            Size = ImageSize.TryParse(parsed.GetValue(_size), out var size) ? size : null,
            Rows = parsed.GetValue(_rows),
            Latents = parsed.GetValue(_latents),
        };
        return run.Run(CompositionSource.Of(parsed).With(further) with { ModelFolder = model }, (plan, _, stop) => generation.Generate(plan, options, stop));
    }
}
