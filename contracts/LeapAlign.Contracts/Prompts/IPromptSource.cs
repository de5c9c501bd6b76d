using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Prompts;

/// <summary>Where captions come from.</summary>
public interface IPromptSource
{
    /// <summary>Reads all prompts, at least one, in their order. The host shuffles.</summary>
    Result<IReadOnlyList<Prompt>> Read();
}
