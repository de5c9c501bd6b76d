using System.Runtime.InteropServices;
using System.Security.Cryptography;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary>
/// What one site makes of a last layer w: <c>s Σ loss(w) + λ/2 ‖w‖²</c> over its rows, smooth and strongly convex with constants that are known. With s the number of sites over the number of all rows, the mean over sites is the
/// fit of all rows, <c>1/N Σ loss(w) + λ/2 ‖w‖²</c>.
/// </summary>
internal abstract class SiteProblem
{
    private readonly double _penalty;

    private protected SiteProblem(double penalty, int size) => (_penalty, Size) = (penalty, size);

    /// <summary>The length of w.</summary>
    public int Size { get; }

    /// <summary>The Lipschitz constant of its gradient.</summary>
    public abstract double Smooth { get; }

    /// <summary>How strongly convex it is.</summary>
    public double Strong => _penalty;

    /// <summary>What it is made of, to tell it from another.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>The ridge regression: loss <c>½ (w·x − y)²</c>.</summary>
    /// <param name="inputs">x, [n, m], fp64.</param>
    /// <param name="targets">y, [n].</param>
    /// <param name="share">s.</param>
    /// <param name="penalty">λ.</param>
    public static SiteProblem Ridge(Tensor inputs, Tensor targets, double share, double penalty)
    {
        using var scope = NewDisposeScope();
        return new Squares((inputs.t().matmul(inputs) * share).data<double>().ToArray(), (inputs.t().matmul(targets) * share).data<double>().ToArray(), penalty);
    }

    /// <summary>The logistic regression of Bradley and Terry: loss <c>ln(1 + exp(−w·d))</c>.</summary>
    /// <param name="differences">d, what is preferred minus what is not, [n, m], fp64.</param>
    /// <param name="share">s.</param>
    /// <param name="penalty">λ.</param>
    public static SiteProblem Logistic(Tensor differences, double share, double penalty)
    {
        using var scope = NewDisposeScope();
        return new Preferences(differences.contiguous().data<double>().ToArray(), (int)differences.shape[1], share, penalty);
    }

    /// <summary>The gradient.</summary>
    /// <param name="point">w.</param>
    /// <param name="gradient">Takes it.</param>
    public void Gradient(ReadOnlySpan<double> point, Span<double> gradient)
    {
        OfLoss(point, gradient);
        for (var i = 0; i < Size; i++) gradient[i] += _penalty * point[i];
    }

    private protected abstract void OfLoss(ReadOnlySpan<double> point, Span<double> gradient);

    private protected static double Largest(double[] gram, int size)
    {
        using var scope = NewDisposeScope();
        return Math.Max(0, linalg.eigvalsh(tensor(gram, dtype: ScalarType.Float64).view(size, size))[^1].item<double>());
    }

    private protected string Digest(params ReadOnlySpan<double[]> parts)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts) digest.AppendData(MemoryMarshal.AsBytes(part.AsSpan()));
        digest.AppendData(MemoryMarshal.AsBytes([_penalty]));
        return Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
    }

    // Σ x xᵀ and Σ x y are all that the rows are needed for.
    private sealed class Squares(double[] gram, double[] moments, double penalty) : SiteProblem(penalty, moments.Length)
    {
        public override double Smooth { get; } = Largest(gram, moments.Length) + penalty;

        public override string Fingerprint => Digest(gram, moments);

        private protected override void OfLoss(ReadOnlySpan<double> point, Span<double> gradient)
        {
            for (var i = 0; i < Size; i++)
            {
                var sum = -moments[i];
                for (var j = 0; j < Size; j++) sum += gram[(i * Size) + j] * point[j];
                gradient[i] = sum;
            }
        }
    }

    private sealed class Preferences(double[] rows, int size, double share, double penalty) : SiteProblem(penalty, size)
    {
        // The second derivative of the loss is nowhere more than a quarter.
        public override double Smooth { get; } = (share * Curvature(rows, size) / 4) + penalty;

        public override string Fingerprint => Digest(rows, [share]);

        private protected override void OfLoss(ReadOnlySpan<double> point, Span<double> gradient)
        {
            gradient.Clear();
            for (var at = 0; at < rows.Length; at += Size)
            {
                var row = rows.AsSpan(at, Size);
                var score = 0.0;
                for (var i = 0; i < row.Length; i++) score += row[i] * point[i];
                var slope = -share / (1 + Math.Exp(score));
                for (var i = 0; i < row.Length; i++) gradient[i] += slope * row[i];
            }
        }

        private static double Curvature(double[] rows, int size)
        {
            using var scope = NewDisposeScope();
            var all = tensor(rows, dtype: ScalarType.Float64).view(-1, size);
            return Largest(all.t().matmul(all).data<double>().ToArray(), size);
        }
    }
}
