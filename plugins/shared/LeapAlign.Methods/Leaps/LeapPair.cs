namespace LeapAlign.Methods.Leaps;

/// <summary>The two anchors of a step: the leaps go from k to j and from j to the final sample.</summary>
/// <param name="K">The noisier anchor, 0 ≤ k.</param>
/// <param name="J">The cleaner anchor, k &lt; j &lt; N.</param>
public readonly record struct LeapPair(int K, int J);
