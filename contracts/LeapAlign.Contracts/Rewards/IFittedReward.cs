using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>
/// A reward of latents that is fitted to scores or preferences before it is used (<c>leapalign fit</c>). The host owns samples, targets, what is held out and the file on the disk; the reward owns its mathematics and
/// what stands in the file. The file is read in <see cref="ILatentReward.Attach"/>, so that a reward can be made, and fitted, before there is one.
/// </summary>
public interface IFittedReward : ILatentReward
{
    /// <summary>The full path of the file that it is kept in.</summary>
    string File { get; }

    /// <summary>Begins anew.</summary>
    /// <param name="model">The model whose latents it scores.</param>
    /// <param name="targets">What it is fitted to.</param>
    /// <returns>A fault when it cannot be fitted on this model.</returns>
    Result<IRewardFit> BeginFit(IModel model, FitTargets targets);
}

/// <summary>What a reward is fitted to.</summary>
/// <param name="Source">The name of the reward whose scores they are, or of the file that they come from.</param>
/// <param name="Offset">The mean of the scores; 0 for preferences.</param>
/// <param name="Scale">Their standard deviation; 1 for preferences.</param>
/// <param name="LowestSigma">The lowest noise level of the samples.</param>
/// <param name="HighestSigma">The highest.</param>
/// <param name="Updates">How many updates will be made.</param>
/// <param name="Random">The key of everything that is drawn.</param>
public sealed record FitTargets(string Source, double Offset, double Scale, double LowestSigma, double HighestSigma, int Updates, RandomKey Random);

/// <summary>A reward that is being fitted.</summary>
public interface IRewardFit : IDisposable
{
    /// <summary>All that it looks at of samples, as numbers: computed once without gradient and kept for the whole fit, or with gradient to the latents to compare gradients.</summary>
    /// <returns>[B, n], fp32.</returns>
    Tensor Features(LatentSamples samples);

    /// <summary>The scores as they are now, with gradient to the features when gradients are enabled.</summary>
    /// <param name="features">[B, n].</param>
    /// <param name="sigmas">One noise level for each.</param>
    /// <returns>[B], fp32, on the scale of the targets.</returns>
    Tensor Score(Tensor features, IReadOnlyList<double> sigmas);

    /// <summary>Makes an update towards scores.</summary>
    /// <param name="update">Its number, from 0.</param>
    /// <param name="features">[B, n].</param>
    /// <param name="sigmas">One noise level for each.</param>
    /// <param name="scores">[B], fp32: what the source gave.</param>
    /// <param name="slopes">What the loss has beside, where slopes are learnt, too; null for nothing.</param>
    /// <returns>The loss of the scores before it.</returns>
    double LearnScores(int update, Tensor features, IReadOnlyList<double> sigmas, Tensor scores, FitSlopes? slopes = null);

    /// <summary>Makes an update towards preferences.</summary>
    /// <param name="update">Its number, from 0.</param>
    /// <param name="preferred">[B, n].</param>
    /// <param name="rejected">[B, n].</param>
    /// <param name="sigmas">One noise level for each pair.</param>
    /// <returns>The loss before it.</returns>
    double LearnPairs(int update, Tensor preferred, Tensor rejected, IReadOnlyList<double> sigmas);

    /// <summary>What is to be written, in safetensors; the host writes it whole or not at all.</summary>
    /// <param name="record">How well it fits, as words that the file is to carry.</param>
    /// <returns>Tensors of the fit, which owns them, and all metadata.</returns>
    FittedFile ToFile(IReadOnlyDictionary<string, string> record);
}

/// <summary>
/// A term of the loss that moves slopes: the mean of <c>factor · (score(above) − score(below))</c>, in units of <see cref="FitTargets.Scale"/>. With above and below a little way along a direction on both sides of a sample, that is the
/// derivative of the score along it, and no second derivative of the network is needed.
/// </summary>
/// <param name="Above">Features, [S, n].</param>
/// <param name="Below">Features, [S, n].</param>
/// <param name="Sigmas">The noise level of each.</param>
/// <param name="Factors">[S], fp32.</param>
public sealed record FitSlopes(Tensor Above, Tensor Below, IReadOnlyList<double> Sigmas, Tensor Factors);

/// <summary>The content of a file.</summary>
/// <param name="Tensors">By name.</param>
/// <param name="Metadata">By name.</param>
public sealed record FittedFile(IReadOnlyList<NamedTensor> Tensors, IReadOnlyDictionary<string, string> Metadata);
