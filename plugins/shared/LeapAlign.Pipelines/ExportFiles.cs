using System.Text.RegularExpressions;

namespace LeapAlign.Pipelines;

/// <summary>
/// Which files of a source an export takes and under which names: those that diffusers' <c>from_pretrained(folder)</c> looks for without arguments. A source
/// that has its weights in a variant alone (<c>model.fp16.safetensors</c>) opens in diffusers with <c>variant</c> only; its export opens without.
/// </summary>
internal static partial class ExportFiles
{
    /// <summary>What the weights of diffusers' components are called.</summary>
    public const string DiffusersStem = "diffusion_pytorch_model";

    /// <summary>What the weights of transformers' components are called.</summary>
    public const string TransformersStem = "model";

    /// <summary>The files that are copied, each with its name in the export.</summary>
    /// <param name="component">The component.</param>
    /// <param name="isTrained">Whether its weights are written anew.</param>
    /// <param name="files">All files of its folder, relative to it.</param>
    public static IEnumerable<(string File, string Name)> Of(PipelineComponent component, bool isTrained, IReadOnlyList<string> files)
    {
        var stem = component.Stem;
        if (isTrained) return files.Where(file => !IsWeights(file, stem)).Select(static file => (file, file));
        var hasPlain = files.Contains($"{stem}.safetensors") || files.Contains($"{stem}.safetensors.index.json");
        return files.Select(file => (file, hasPlain || !file.StartsWith($"{stem}.", StringComparison.Ordinal) ? file : WithoutVariant(file)));
    }

    // Old weights beside the trained ones are what a reader that asks for another form would take.
    private static bool IsWeights(string file, string stem) =>
        Path.GetFileName(file).Contains(".safetensors", StringComparison.Ordinal) || Path.GetFileName(file).StartsWith(stem, StringComparison.Ordinal);

    // Shards keep their names: the index says them.
    private static string WithoutVariant(string file) =>
        OneFile().Replace(Index().Replace(file, ".safetensors.index.json"), ".safetensors");

    [GeneratedRegex(@"(?<=^\w+)\.\w+\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex OneFile();

    [GeneratedRegex(@"\.safetensors\.index\.\w+\.json$", RegexOptions.CultureInvariant)]
    private static partial Regex Index();
}
