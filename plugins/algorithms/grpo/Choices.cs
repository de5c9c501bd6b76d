using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Chooses the steps of a micro-batch: from its key, the step of the run and N.</summary>
public delegate StepChoice ChooseSteps(RandomKey key, int runStep, int steps);

/// <summary>How each method chooses its steps.</summary>
internal static class Choices
{
    /// <summary>A window drawn anew for each micro-batch.</summary>
    public static StepChoice Fast(FlowGrpoFastSettings settings, RandomKey key, int steps)
    {
        if (settings.Window == 0) return StepChoice.AllButLast(steps, noisyLast: false);
        var first = key.Open().NextInt(settings.WindowFrom, LastStart(settings, steps) + 1);
        return StepChoice.Window(first, settings.Window);
    }

    /// <summary>The last step at which the window of <c>flow-grpo-fast</c> may begin; below its first when the window does not fit.</summary>
    public static int LastStart(FlowGrpoFastSettings settings, int steps)
    {
        var end = settings.WindowTo ?? Math.Max(steps / 2, settings.WindowFrom + settings.Window);
        return Math.Min(end, steps - 1) - settings.Window;
    }

    /// <summary>A window that moves as training goes on, or is drawn anew at each step of the run.</summary>
    public static StepChoice Mix(MixGrpoSettings settings, RandomKey key, int runStep, int steps)
    {
        var places = steps - settings.Window;
        var first = settings.Order == WindowOrder.Random ? key.Open().NextInt(0, places) : (int)((long)(runStep / settings.StepsPerMove) * settings.Move % places);
        return StepChoice.Window(first, settings.Window);
    }
}
