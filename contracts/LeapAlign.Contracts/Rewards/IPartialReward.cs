namespace LeapAlign.Contracts.Rewards;

/// <summary>
/// A reward that may have no score for a picture, which it says by "not a number": the score is missing, and no number that went bad. Means are over the scores that there are, and the guard of a run does not take the
/// others for damage. An algorithm that leaves samples without a score out can train on it (<c>dso</c>); the loss of one that does not is not finite, and the guard judges that.
/// </summary>
public interface IPartialReward;
