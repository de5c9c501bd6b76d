using System.IO.Enumeration;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Calibration;

/// <summary>Trained tensors that share a scale each: <c>θ = s_g θ_0</c>.</summary>
internal sealed partial class ScaleGroups
{
    /// <summary>The most scales: beyond, second derivatives by differences cost more than a run.</summary>
    public const int Most = 500;

    private readonly int[] _of;

    /// <summary>Groups them.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="patterns">One for each scale; empty for one for each block.</param>
    /// <param name="optimizer">Who asks.</param>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>.</exception>
    public ScaleGroups(ParameterSet parameters, IReadOnlyList<string> patterns, string optimizer)
    {
        Names = patterns.Count > 0 ? patterns : [.. parameters.Select(Block).OfType<string>().Distinct(StringComparer.Ordinal)];
        _of = [.. parameters.Select(parameter => patterns.Count > 0
            ? patterns.ToList().FindIndex(pattern => FileSystemName.MatchesSimpleExpression(pattern, parameter.Name, ignoreCase: false))
            : Block(parameter) is { } block ? Names.ToList().IndexOf(block) : -1)];
        for (var group = 0; group < Names.Count; group++)
        {
            if (!_of.Contains(group)) throw new FaultException(Unfit.Of($"'{optimizer}': '{Names[group]}' of groups names none of the {parameters.Count} trained tensors that no earlier pattern names, such as '{parameters[0].Name}'"));
        }
        if (Names.Count == 0) throw new FaultException(Unfit.Of($"'{optimizer}' scales blocks, but no trained tensor has a number in its name, such as '{parameters[0].Name}': say 'groups'"));
        if (Names.Count > Most) throw new FaultException(Unfit.Of($"'{optimizer}' finds {Names.Count} scales, at most {Most}: say fewer 'groups'"));
    }

    /// <summary>What each scale is called.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The tensors under scales.</summary>
    /// <param name="origin">θ_0.</param>
    /// <param name="scales">s.</param>
    public IReadOnlyList<Tensor> Scaled(IReadOnlyList<Tensor> origin, IReadOnlyList<double> scales) => [.. origin.Select((tensor, place) => _of[place] < 0 ? tensor : tensor * scales[_of[place]])];

    /// <summary>The derivative in the scales: <c>⟨∂f/∂θ, θ_0⟩</c> over each group.</summary>
    /// <param name="origin">θ_0.</param>
    /// <param name="gradients">∂f/∂θ, null where there is none.</param>
    public double[] Derivative(IReadOnlyList<Tensor> origin, IReadOnlyList<Tensor?> gradients)
    {
        var derivative = new double[Names.Count];
        for (var place = 0; place < _of.Length; place++)
        {
            if (_of[place] >= 0 && gradients[place] is { } gradient) derivative[_of[place]] += new[] { origin[place] }.Dot([gradient]);
        }
        return derivative;
    }

    private static string? Block(Parameter parameter) => Numbered().Match(parameter.Name) is { Success: true } match ? match.Value : null;

    [GeneratedRegex(@"\A\D*\d+")]
    private static partial Regex Numbered();
}
