using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.Ocr;

/// <summary>Reads what is written in pictures.</summary>
internal interface ITextReader : IDisposable
{
    /// <summary>Reads pictures, each by itself.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="prompts">A prompt for each.</param>
    /// <returns>A text for each; empty for one without text.</returns>
    /// <exception cref="FaultException">One could not be read.</exception>
    IReadOnlyList<string> Read(IReadOnlyList<PictureBytes> pictures, IReadOnlyList<Prompt> prompts);
}
