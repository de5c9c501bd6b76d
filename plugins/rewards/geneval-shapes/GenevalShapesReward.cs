using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Rewards.GenevalShapes.Metadata;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.GenevalShapes;

/// <summary>
/// GenEval for pictures of flat shapes on a light ground (docs/shapes.md): finds the objects of a picture by rules and compares them with what the
/// prompt's metadata asks for. Not differentiable. Pictures may have any size; the rules' lengths, given for 64 x 64, grow with √(H·W).
/// <para>
/// <b>strict</b> is 1 when the picture is right, else 0. Right: as many objects as asked for in total, of every <c>include</c> entry (class, and colour
/// where given) exactly <c>count</c>, every asked-for relation true between the centroids of every pair, and of no <c>exclude</c> entry <c>count</c> or more.
/// </para>
/// <para>
/// <b>graded</b> is in [0, 1], and 1 exactly when strict is. With T objects seen, and for entry e: c_e its count, m_e the objects that fit it, n_e the
/// objects of its class that fit no entry (those of a wrong colour); N = Σ c_e, R the number of entries with a position:
/// <code>
/// found_e = min(m_e, c_e) + ½ min(n_e, c_e − min(m_e, c_e))
/// place_e = pairs (object of e, object of the entry it is related to) whose relation holds / max(m_e m_t, c_e c_t)
/// graded  = (Σ found_e + Σ place_e) / (N + R) · N / max(N, T) · Π over exclude entries x of min(1, c_x / (m_x + 1))
/// </code>
/// </para>
/// It differs from Flow-GRPO's GenEval reward in three ways that keep the score informative and within [0, 1]: a missing object leaves the credit for the
/// others as it is, objects too many lower the score by their share and not by a subtraction, and a wrong relation is worth 0.
/// </summary>
/// <param name="settings">Graded or strict.</param>
public sealed class GenevalShapesReward(GenevalShapesSettings settings) : IReward, IBoundedReward
{
    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <inheritdoc/>
    /// <returns>[B], fp32, on the device of <paramref name="images"/>; NaN for a picture that has a value that is not finite.</returns>
    /// <exception cref="FaultException">LA4012: a prompt has no GenEval metadata of the shapes world.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        var asked = prompts.Select(MetadataReader.Read).All().Match(static all => all, static fault => throw new FaultException(fault));
        return PictureBytes.Score(images, (picture, i) => Score(picture, asked[i]));
    }

    private double Score(PictureBytes picture, ShapesMetadata asked)
    {
        var judge = new ObjectJudge(ObjectFinder.Find(picture), ObjectFinder.Scale(picture));
        return settings.Score == ShapesScore.Strict ? (judge.IsRight(asked) ? 1 : 0) : judge.Grade(asked);
    }
}
