using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Metadata;

/// <summary>What a caption asks for, in GenEval's form. No object can fit two entries of <see cref="Include"/>.</summary>
/// <param name="Include">What has to be there; at least one entry.</param>
/// <param name="Exclude">What must not be there in such numbers.</param>
internal sealed record ShapesMetadata(IReadOnlyList<AskedObjects> Include, IReadOnlyList<AskedObjects> Exclude);

/// <summary>An entry: some objects of one class.</summary>
/// <param name="Shape">Their class.</param>
/// <param name="Count">How many; at least 1.</param>
/// <param name="Color">Their colour, or null when any will do.</param>
/// <param name="Place">Where they are, or null when anywhere.</param>
internal sealed record AskedObjects(ShapeClass Shape, int Count, ShapeColor? Color = null, Place? Place = null)
{
    /// <summary>Whether an object is one of those asked for, wherever it is.</summary>
    public bool Fits(SeenObject seen) => seen.Shape == Shape && (Color is null || seen.Color == Color);

    /// <summary>Whether an object could fit both entries.</summary>
    public bool Overlaps(AskedObjects other) => Shape == other.Shape && (Color is null || other.Color is null || Color == other.Color);
}

/// <summary>A place relative to the objects of another entry.</summary>
/// <param name="Relation">On which side of them.</param>
/// <param name="Of">The index of their entry.</param>
internal sealed record Place(Side Relation, int Of);
