using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>Tells memory that is not there from other mistakes: what to do about it is another matter.</summary>
internal static class MemoryShortage
{
    // libtorch has no type for it that reaches .NET: its allocators' words are what there is.
    private static readonly string[] s_words = ["can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc", "Cannot allocate memory"];

    /// <summary>The fault of an exception that memory is the reason of.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="where">What was under way, as the subject of a sentence.</param>
    /// <returns><see cref="FaultCodes.OutOfMemory"/>, or null when the reason is another one.</returns>
    public static Fault? Of(Exception exception, string where)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is OutOfMemoryException || s_words.Any(word => cause.Message.Contains(word, StringComparison.OrdinalIgnoreCase)))
                return new Fault.Run(FaultCodes.OutOfMemory, $"{where} ran out of memory: {cause.Message.Split('\n')[0]}");
        }
        return null;
    }
}
