using System.Globalization;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Host.Fitting;

/// <summary>What the file of a fitted reward carries of its fit.</summary>
internal static class FitRecord
{
    /// <summary>How it was fitted, and how well, in words.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="source">What it was fitted to.</param>
    /// <param name="learnt">Samples that it learnt from.</param>
    /// <param name="clean">How well it fits what was held out, without noise.</param>
    public static Dictionary<string, string> Of(FitOptions options, string source, int learnt, FitQuality clean)
    {
        Dictionary<string, string> record = new()
        {
            ["fit.source"] = source,
            ["fit.seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
            ["fit.samples"] = learnt.ToString(CultureInfo.InvariantCulture),
            ["fit.updates"] = options.Updates.ToString(CultureInfo.InvariantCulture),
            ["held-out.samples"] = clean.Count.ToString(CultureInfo.InvariantCulture),
        };
        if (clean.FittedGradient is { } fitted) record["fitted.gradient"] = fitted.ToString("R", CultureInfo.InvariantCulture);
        foreach (var (name, value) in new[] { ("pearson", clean.Pearson), ("spearman", clean.Spearman), ("explained", clean.Explained), ("pairs", clean.Pairs), ("gradient", clean.Gradient) })
        {
            if (value is { } number) record[$"held-out.{name}"] = number.ToString("R", CultureInfo.InvariantCulture);
        }
        return record;
    }

    /// <summary>The file with tensors of its own: a fit disposes its tensors before they are written.</summary>
    public static FittedFile Kept(FittedFile file) =>
        file with { Tensors = [.. file.Tensors.Select(static tensor => new NamedTensor(tensor.Name, tensor.Value.detach().cpu().clone().DetachFromDisposeScope()))] };
}
