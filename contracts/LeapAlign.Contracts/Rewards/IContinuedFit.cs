using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Rewards;

/// <summary>A fit that can take the layers of another, so that the last layer alone is fitted anew: sites that do not share pictures have those in common.</summary>
public interface IContinuedFit : ILastLayerFit
{
    /// <summary>Takes all layers but the last.</summary>
    /// <param name="file">The full path of a file that <see cref="IRewardFit.ToFile"/> made.</param>
    /// <returns>A fault for a file that is no such reward, or one of another model or form.</returns>
    Result<Unit> Continue(string file);
}
