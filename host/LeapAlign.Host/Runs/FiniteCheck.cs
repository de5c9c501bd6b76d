using System.Globalization;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary>Notes for each picture of a batch where it was first not finite. It reads a number for each picture and step, so training has none.</summary>
internal sealed class FiniteCheck
{
    private readonly Dictionary<int, string> _since = [];

    /// <summary>Begins a batch.</summary>
    public void Begin() => _since.Clear();

    /// <summary>Looks at a batch.</summary>
    /// <param name="values">[B, ...].</param>
    /// <param name="step">The sampling step that it comes from, from 0; null for decoded pictures.</param>
    public void See(Tensor values, int? step)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var finite = values.isfinite().flatten(1).all(1).cpu();
        for (var picture = 0; picture < values.shape[0]; picture++)
        {
            if (!finite[picture].item<bool>()) _since.TryAdd(picture, step is { } number ? $"from its {Ordinal(number + 1)} sampling step on" : "as it was decoded");
        }
    }

    /// <summary>Where a picture was first not finite, as the end of a sentence; null when it is.</summary>
    public string? Since(int picture) => _since.GetValueOrDefault(picture);

    private static string Ordinal(int number) => string.Create(CultureInfo.InvariantCulture, $"{number}{(number % 100 is 11 or 12 or 13 ? "th" : (number % 10) switch { 1 => "st", 2 => "nd", 3 => "rd", _ => "th" })}");
}
