using System.Runtime.InteropServices;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace TestPlugins.Unruly;

/// <summary>When a reward goes wrong, and how.</summary>
public sealed record MoodySettings
{
    /// <summary>The call in which it does, from 1; 0 never.</summary>
    public int At { get; init; }

    /// <summary>How often it does, from there on.</summary>
    public int Times { get; init; } = 1;

    /// <summary>The process of a run in which it does; null for all.</summary>
    public int? Rank { get; init; }

    /// <summary><c>nan</c>, <c>throw</c>, <c>null</c>, <c>greedy</c>, <c>hang</c>, what ends a process (<c>overflow</c>, <c>crash</c>, <c>abort</c>, <c>give up</c>, <c>leave</c>, <c>background</c>), <c>outside</c> its range, a <c>spike</c> in its gradient, a <c>print</c> of what would move a cursor, or <c>delete</c> and a folder.</summary>
    public string Mood { get; init; } = "nan";
}

/// <summary>The brightness of a picture, until it is in a mood.</summary>
public sealed class Moody(MoodySettings settings) : IDifferentiableReward, IBoundedReward
{
    private int _calls;

    public ScoreRange Range { get; } = new(0, 1);

    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var brightness = images.mean([1, 2, 3]);
        if (++_calls < settings.At || _calls >= settings.At + settings.Times || settings.At == 0) return brightness;
        if (settings.Rank is { } rank && rank != (Launcher.Here?.Rank ?? 0)) return brightness;
        switch (settings.Mood)
        {
            case "throw":
                throw new InvalidOperationException("not today");
            case "null":
                string? nothing = _calls < 0 ? "" : null;
                return brightness * nothing!.Length;
            case "print":
                Console.WriteLine("printed \u001b[2J\u001b]0;mine\u0007");
                Console.Error.WriteLine("said \u001b[31m");
                return brightness;
            case "greedy":
                // A hundred thousand gigabytes.
                return brightness * empty(100_000, 1L << 30).sum();
            case "overflow":
                return brightness * Deeper(_calls);
            case "crash":
                return brightness * Length(1);
            case "abort":
                Abort();
                return brightness;
            case "give up":
                Environment.FailFast("not this way");
                return brightness;
            case "leave":
                Environment.Exit(0);
                return brightness;
            case "background":
                new Thread(static () => throw new InvalidOperationException("behind your back")).Start();
                Thread.Sleep(Timeout.Infinite);
                return brightness;
            case "hang":
                Thread.Sleep(Timeout.Infinite);
                return brightness;
            case var mood when mood.StartsWith("delete ", StringComparison.Ordinal):
                Directory.Delete(mood["delete ".Length..], recursive: true);
                return brightness;
            case "outside":
                return brightness + 2;
            case "spike":
                // The same value with a thousand times the gradient.
                return (brightness * 1000) - (brightness.detach() * 999);
            default:
                return brightness * float.NaN;
        }
    }

    private static int Deeper(int depth) => 1 + Deeper(depth + 1) + depth;

    [DllImport("libc", EntryPoint = "strlen")]
    private static extern int Length(nint text);

    [DllImport("libc", EntryPoint = "abort")]
    private static extern void Abort();
}
