using System.Security.Cryptography;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>Whether all processes hold the same bytes.</summary>
internal static class SameEverywhere
{
    /// <summary>Compares the SHA-256 of tensors.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="what">What they are.</param>
    /// <param name="tensors">In the same order everywhere.</param>
    /// <exception cref="FaultException">A process holds others, in all processes.</exception>
    public static void Check(RunRanks ranks, string what, IEnumerable<Tensor> tensors)
    {
        if (ranks.IsAlone) return;
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors)
        {
            using var bytes = tensor.detach().cpu().contiguous();
            digest.AppendData(bytes.bytes);
        }
        if (Odd([.. ranks.Gather(what, digest.GetHashAndReset()).Select(Convert.ToHexStringLower)]) is not { } odd) return;
        throw new FaultException(new Fault.Run(FaultCodes.RanksDiffer, $"{what} are not the same in all processes: rank {odd} has others than most; the run ends before they part further"));
    }

    /// <summary>The first process that says something else than most of them; null where all say the same. Of two halves the one without rank 0 is odd.</summary>
    public static int? Odd(IReadOnlyList<string> said)
    {
        if (said.Distinct().Count() == 1) return null;
        var most = said.GroupBy(static text => text).OrderByDescending(static group => group.Count()).ThenByDescending(group => group.Key == said[0]).First().Key;
        return Enumerable.Range(0, said.Count).First(rank => said[rank] != most);
    }
}
