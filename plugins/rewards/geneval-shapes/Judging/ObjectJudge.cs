using LeapAlign.Rewards.GenevalShapes.Metadata;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>Compares the objects of a picture with what was asked for. The formulas are those of <see cref="GenevalShapesReward"/>.</summary>
/// <param name="seen">The objects of the picture.</param>
/// <param name="scale">The picture's size by that for which lengths are given.</param>
internal sealed class ObjectJudge(IReadOnlyList<SeenObject> seen, double scale)
{
    private const double Margin = 3;
    private const double WrongColor = 0.5;

    /// <summary>GenEval's verdict.</summary>
    public bool IsRight(ShapesMetadata asked) =>
        seen.Count == Total(asked)
        && asked.Include.All(entry => Matches(entry) == entry.Count)
        && asked.Include.All(entry => entry.Place is not { } place || PairsThatHold(entry, place, asked) == Pairs(entry, asked.Include[place.Of]))
        && asked.Exclude.All(entry => Matches(entry) < entry.Count);

    /// <summary>The share that is right, in [0, 1]; 1 exactly when <see cref="IsRight"/>.</summary>
    public double Grade(ShapesMetadata asked)
    {
        var total = Total(asked);
        var places = asked.Include.Count(static entry => entry.Place is not null);
        var found = asked.Include.Sum(entry => Found(entry, asked)) + asked.Include.Sum(entry => entry.Place is { } place ? Placed(entry, place, asked) : 0);
        var excess = total / Math.Max(total, seen.Count);
        return found / (total + places) * excess * asked.Exclude.Aggregate(1.0, (factor, entry) => factor * Math.Min(1, entry.Count / (Matches(entry) + 1.0)));
    }

    private static double Total(ShapesMetadata asked) => asked.Include.Sum(static entry => (double)entry.Count);

    private int Matches(AskedObjects entry) => seen.Count(entry.Fits);

    /// <summary>Objects of the entry that were found; those that lack nothing but the colour count by half.</summary>
    private double Found(AskedObjects entry, ShapesMetadata asked)
    {
        var right = Math.Min(Matches(entry), entry.Count);
        var recoloured = seen.Count(candidate => candidate.Shape == entry.Shape && !asked.Include.Any(other => other.Fits(candidate)));
        return right + (WrongColor * Math.Min(recoloured, entry.Count - right));
    }

    private double Placed(AskedObjects entry, Place place, ShapesMetadata asked)
    {
        var reference = asked.Include[place.Of];
        return PairsThatHold(entry, place, asked) / Math.Max(Pairs(entry, reference), (double)entry.Count * reference.Count);
    }

    private double Pairs(AskedObjects entry, AskedObjects reference) => (double)Matches(entry) * Matches(reference);

    private double PairsThatHold(AskedObjects entry, Place place, ShapesMetadata asked) =>
        seen.Where(entry.Fits).Sum(subject => (double)seen.Count(reference => asked.Include[place.Of].Fits(reference) && place.Relation.Holds((subject.X, subject.Y), (reference.X, reference.Y), Margin * scale)));
}
