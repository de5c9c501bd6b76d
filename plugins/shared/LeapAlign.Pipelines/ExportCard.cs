using System.Globalization;
using System.Text;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Pipelines;

/// <summary>The README.md of an export: how diffusers has to be called to draw the pictures that LeapAlign draws.</summary>
/// <param name="TextLength">Tokens of T5, or of what reads captions in its place, that the model was trained with, or of the zeros that stand in for it.</param>
/// <param name="Guidance">The guidance that the model was trained with; null where the card does not say it.</param>
public sealed record ExportCard(int TextLength, double? Guidance = null)
{
    /// <summary>Whether the card says the guidance of the run that is exported: where the network takes it as an input, or diffusers guides by default as few models are trained.</summary>
    public bool TakesGuidance { get; init; }

    /// <summary>Whether the trained network draws without the guidance of two branches, which it learnt.</summary>
    public bool LearnedGuidance { get; init; }

    /// <summary>Whether the network is a flow map, which diffusers knows nothing of.</summary>
    public bool IsFlowMap { get; init; }

    /// <summary>Its name in the export.</summary>
    public const string FileName = "README.md";

    /// <summary>The text, in UTF-8.</summary>
    /// <param name="source">The folder that is exported.</param>
    public byte[] Bytes(PipelineFolder source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var family = source.Family;
        var opening = source.LacksT5 ? $", {family.T5Encoder}=None, {family.T5Tokenizer}=None" : "";
        var parts = source.LacksT5 ? "\n\nIt has no T5 encoder, as its source had none. diffusers opens such a folder only when it is told, as above." : "";
        var told = new[] { Length(family), Scale(family), Unguided(family) }.OfType<(string Argument, string Sentence)>().ToArray();
        return Encoding.UTF8.GetBytes($"""
            ---
            library_name: diffusers
            pipeline_tag: text-to-image
            ---

            # Exported by LeapAlign

            A {family.ClassName} with a trained {family.Trained}; every other component is that of the model it was trained from.

            ```python
            from diffusers import {family.ClassName}

            pipeline = {family.ClassName}.from_pretrained("this folder"{opening})
            pipeline("a caption"{string.Concat(told.Where(static one => one.Argument.Length > 0).Select(static one => $", {one.Argument}"))})
            ```

            {string.Join("\n\n", told.Select(static one => one.Sentence))}{parts}{Map(family)}

            """.ReplaceLineEndings("\n"));
    }

    private string Map(PipelineFamily family) => IsFlowMap
        ? $"""


            ## A flow map

            The {family.Trained} is a flow map (arXiv 2505.18825): with the gap embedding in {IFlowMapModel.FileName} it predicts the mean velocity u(x, s, t) of a jump from σ = s to σ = t, and draws in 1 to 4 evaluations: x + (t - s) u(x, s, t).
            diffusers does not read that file, and needs a component for it: the embedding of the gap s - t is added to that of the time. Without it a pipeline computes with the {family.Trained} alone, which is not what was trained, and needs many steps for pictures that may be worse. LeapAlign draws from this folder with `"flowMap": true` in the settings of the model and the sampler `flow-map`.
            """
        : "";

    // Where padding takes no part, the length matters for captions that do not fit alone.
    private (string Argument, string Sentence)? Length(PipelineFamily family) => family.PadsCaptions
        ? Told($"Captions were encoded with {TextLength} tokens of {family.Reader}", "max_sequence_length", (TextLength, family.DefaultTextLength))
        : Told($"Captions were cut to {TextLength} tokens of {family.Reader}", "max_sequence_length", (TextLength, family.DefaultTextLength), "reads more of longer ones");

    private (string Argument, string Sentence)? Scale(PipelineFamily family) => Guidance is { } guidance && family.DefaultGuidance is { } absent
        ? Told(string.Create(CultureInfo.InvariantCulture, $"The {family.Trained} was trained at guidance {guidance}{(family.Unguided == 1 ? "" : $" (1 is none; diffusers counts from {family.Unguided})")}"), "guidance_scale", (guidance + family.Unguided - 1, absent))
        : null;

    // Off at 1, or at 0 where the class counts from there, whatever it takes by default.
    private (string Argument, string Sentence)? Unguided(PipelineFamily family) => LearnedGuidance
        ? (Unguided(family.Unguided), $"The {family.Trained} learned the guidance that it was trained with and draws without any. diffusers guides unless it is told, and then draws other pictures at twice the cost: pass `{Unguided(family.Unguided)}`.")
        : null;

    private static string Unguided(double scale) => string.Create(CultureInfo.InvariantCulture, $"guidance_scale={scale}");

    // An argument is handed over only where diffusers would take another value.
    private static (string Argument, string Sentence) Told(string what, string argument, (double Value, double Absent) numbers, string otherwise = "draws other pictures")
    {
        if (numbers.Value == numbers.Absent) return ("", $"{what}, which is what diffusers takes by default.");
        var call = string.Create(CultureInfo.InvariantCulture, $"{argument}={numbers.Value}");
        return (call, string.Create(CultureInfo.InvariantCulture, $"{what}. diffusers takes {numbers.Absent} unless it is told, and then {otherwise}: pass `{call}`."));
    }
}
