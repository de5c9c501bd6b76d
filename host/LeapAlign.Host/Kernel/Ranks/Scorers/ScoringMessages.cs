using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>What a process asks of one that scores; pictures follow.</summary>
/// <param name="Reward">The name of the reward.</param>
/// <param name="Shape">The shape of the pictures, [B, 3, H, W].</param>
/// <param name="Type">Their type, a ScalarType.</param>
/// <param name="Gradient">Whether the gradients of the scores at the pictures are wanted, too.</param>
/// <param name="Prompts">B prompts.</param>
/// <param name="Trace">The span that asks; null where nobody listens.</param>
internal sealed record ScoreRequest(string Reward, long[] Shape, int Type, bool Gradient, IReadOnlyList<Prompt> Prompts, string? Trace);

/// <summary>The answer; scores follow, and gradients where they were wanted, unless there is a fault.</summary>
/// <param name="Type">The type of the scores, a ScalarType.</param>
/// <param name="Fault">Why there are none, as <see cref="RankFault"/> writes it; null where there are.</param>
/// <param name="IsInterrupted">Whether the reward gave up because the run was asked to stop.</param>
/// <param name="Warnings">What it warned of since its last answer, as <see cref="RankFault"/> writes it.</param>
internal sealed record ScoreReply(int Type, byte[]? Fault, bool IsInterrupted, byte[] Warnings);

/// <summary>How a process that trains ended.</summary>
/// <param name="Fault">With what; null for a run that went on to its end, or was asked to stop.</param>
internal sealed record TrainerEnd(byte[]? Fault);

/// <summary>The form of messages between a process that trains and one that scores: a header of two numbers, what it is and how long, and then JSON.</summary>
/// <param name="processes">Carries them.</param>
internal sealed class ScoringMessages(IPeerCommunicator processes)
{
    /// <summary>A <see cref="ScoreRequest"/>.</summary>
    public const long Score = 1;

    /// <summary>A <see cref="TrainerEnd"/>.</summary>
    public const long End = 2;

    /// <summary>A <see cref="ScoreReply"/>.</summary>
    public const long Answer = 3;

    /// <summary>Whoever scores has the time to take pictures: a large message would make its sender wait without sleep.</summary>
    public const long Ready = 4;

    /// <summary>Between two looks: short beside a score, and no load for a processor that others compute on.</summary>
    private const int MillisecondsBetweenLooks = 1;

    /// <summary>Whether a process has said something.</summary>
    public bool IsSaid(int from) => processes.HasMessage(from);

    /// <summary>Sleeps until somebody may have said something.</summary>
    public static void Pause() => Thread.Sleep(MillisecondsBetweenLooks);

    /// <summary>Says something without words.</summary>
    public void Say(int to, long what) => Header(to, what, 0);

    /// <summary>Says something.</summary>
    public void Say<T>(int to, long what, T words, JsonTypeInfo<T> form)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(words, form);
        Header(to, what, text.Length);
        using var scope = NewDisposeScope();
        processes.Send(tensor(text, dtype: ScalarType.Byte), to);
    }

    /// <summary>Waits, without load, for what a process says next.</summary>
    /// <returns>What it is, and how long its words are.</returns>
    public (long What, long Length) Hear(int from)
    {
        while (!processes.HasMessage(from)) Pause();
        using var scope = NewDisposeScope();
        var header = empty(2, dtype: ScalarType.Int64);
        processes.Receive(header, from);
        return (header[0].item<long>(), header[1].item<long>());
    }

    /// <summary>The words behind a header.</summary>
    public T Words<T>(int from, long length, JsonTypeInfo<T> form)
    {
        using var scope = NewDisposeScope();
        var text = empty(length, dtype: ScalarType.Byte);
        processes.Receive(text, from);
        return JsonSerializer.Deserialize(text.data<byte>().ToArray(), form)!;
    }

    /// <summary>Sends a tensor of any device.</summary>
    public void Send(Tensor value, int to)
    {
        using var scope = NewDisposeScope();
        processes.Send(value.detach().cpu().contiguous(), to);
    }

    /// <summary>A tensor that a process sends, on the CPU.</summary>
    public Tensor Receive(long[] shape, ScalarType type, int from)
    {
        var value = empty(shape, dtype: type);
        processes.Receive(value, from);
        return value;
    }

    private void Header(int to, long what, long length)
    {
        using var scope = NewDisposeScope();
        processes.Send(tensor(new[] { what, length }), to);
    }
}

[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ScoreRequest))]
[JsonSerializable(typeof(ScoreReply))]
[JsonSerializable(typeof(TrainerEnd))]
[JsonSerializable(typeof(Dictionary<string, RewardTraits>), TypeInfoPropertyName = "Traits")]
internal sealed partial class ScoringJson : JsonSerializerContext;
