using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Services;

/// <summary>Pictures on their way out of the process, and the scores that come back.</summary>
public static class SentPictures
{
    /// <summary>The pictures as bytes. Nothing that is done with them touches a tensor, so any thread may do it.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="prompts">B prompts.</param>
    /// <param name="part">The part's name in the run.</param>
    /// <exception cref="FaultException">A picture is not finite.</exception>
    public static IReadOnlyList<PictureBytes> Of(Tensor images, IReadOnlyList<Prompt> prompts, string part)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        RequireFinite(images, part);
        return PictureBytes.Of(images);
    }

    /// <summary>
    /// Asks questions, some at a time, and waits for all answers; the first fault ends the others. The contract of rewards is synchronous, as tensor code is: a dispose
    /// scope belongs to its thread. So this thread waits, and what is waited for runs on others.
    /// </summary>
    /// <param name="count">How many questions.</param>
    /// <param name="concurrency">How many are under way at the same time.</param>
    /// <param name="ask">Takes the number of a question, and writes to places of its own: the order of the answers does not matter.</param>
    public static void Ask(int count, int concurrency, Func<int, CancellationToken, Task> ask) => Task.Run(() => Parallel.ForEachAsync(
        Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = concurrency }, async (number, cancellation) => await ask(number, cancellation))).GetAwaiter().GetResult();

    // A number that is none has no 8-bit value; what the cast made of it would be scored as a picture.
    private static void RequireFinite(Tensor images, string part)
    {
        using var scope = NewDisposeScope();
        if (images.isfinite().all().item<bool>()) return;
        throw new FaultException(new Fault.Run(FaultCodes.NotFinite, $"reward '{part}' was given a picture that is not finite"));
    }
}
