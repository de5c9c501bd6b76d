namespace LeapAlign.Contracts.Adapters;

/// <summary>
/// An attached adapter that holds others beside the one that is trained: candidates, which stay as they are and change nothing until samples wear them. A part that offers some provides
/// <see cref="Plugins.Capabilities.AdapterCandidates"/>.
/// </summary>
public interface ICandidateAdapters : IAttachedAdapter
{
    /// <summary>Their names, each once and none empty.</summary>
    IReadOnlyList<string> Candidates { get; }

    /// <summary>
    /// Computes with some of them beside what is trained, each with its own scale, until the returned object is disposed; what they add is added up, so that their order says nothing. Uses nest, and the
    /// innermost holds. What a graph needs of them is in the tensors of the sites: a part that is computed again in the backward computes as it did.
    /// </summary>
    /// <param name="names">Some of <see cref="Candidates"/>, each at most once; none computes without any.</param>
    /// <exception cref="ArgumentException">A name is none of them.</exception>
    IDisposable Wear(IReadOnlyList<string> names);
}
