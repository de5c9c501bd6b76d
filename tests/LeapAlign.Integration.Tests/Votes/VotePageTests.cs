using PuppeteerSharp;
using Browser = LeapAlign.Integration.Tests.Reports.Browser;

namespace LeapAlign.Integration.Tests.Votes;

/// <summary>The page of votes in a real browser.</summary>
public sealed class VotePageTests
{
    private const string Asked = "!document.getElementById('question').hidden && !document.getElementById('left').disabled";

    [Fact]
    public async Task A_group_is_voted_on_with_keys_and_mouse_and_the_end_is_said()
    {
        using var votes = new ServedVotes();
        await using var browser = await Browser.Start();
        await browser.Show(1280, 860, dark: false);
        var scores = await votes.Begin(4, "a red ring & <script>alert(1)</script>");
        await browser.Open(votes.Address);
        await Until(browser, Asked);
        Assert.Equal("a red ring & <script>alert(1)</script>", await Of<string>(browser, "document.getElementById('caption').textContent"));
        Assert.Equal("The left picture of: a red ring & <script>alert(1)</script>", await Of<string>(browser, "document.getElementById('left-picture').alt"));
        Assert.Equal("0 of 6 pairs of group 1", await Progress(browser));
        await Screenshot(browser, "votes-wide.png");
        // A telephone: nothing is wider than the screen, and both pictures and all buttons are there to touch.
        // Another kind of screen loads the page again: without its question a key says nothing.
        await browser.Show(360, 740, dark: true);
        await Until(browser, Asked);
        Assert.True(await Of<bool>(browser, "document.documentElement.scrollWidth <= 360"));
        Assert.True(await Of<bool>(browser, "['left', 'right', 'neither'].every(id => { const b = document.getElementById(id).getBoundingClientRect(); return b.width >= 44 && b.height >= 44 && b.left >= 0 && b.right <= 360 && b.bottom <= 740; })"));
        await Screenshot(browser, "votes-narrow.png");
        await browser.Show(1280, 860, dark: false);
        await Until(browser, Asked);

        await Press(browser, "ArrowLeft", 1);
        await Press(browser, "ArrowRight", 2);
        await browser.Page.ClickAsync("#left");
        await Shown(browser, 3);
        // Space says that it is a tie, and does not press the button that was pressed last.
        await Press(browser, " ", 4);
        await Press(browser, "u", 3);
        Assert.Equal("U", await Of<string>(browser, "document.querySelector('#undo kbd').textContent"));
        await Press(browser, " ", 4);
        await Press(browser, " ", 5);
        await browser.Page.Keyboard.PressAsync("ArrowLeft");
        var given = await scores.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(2, given.Sum(), 5);
        await Until(browser, "document.getElementById('state').textContent.startsWith('The run asks nothing now')");

        // The next group comes by itself; somebody else votes on it under this voter's eyes.
        var more = await votes.Begin(2, "a ring");
        await Until(browser, "document.getElementById('caption').textContent === 'a ring' && !document.getElementById('question').hidden");
        Assert.Equal("0 of 1 pairs of group 2", await Progress(browser));
        votes.Stop();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => more);
        await Until(browser, "document.getElementById('question').hidden");
        Assert.Empty(browser.Complaints);
        Assert.All(browser.Requests, asked => Assert.StartsWith(votes.Address, asked, StringComparison.Ordinal));
        votes.End();
        await Until(browser, "document.getElementById('state').textContent.startsWith('The run does not answer')");
        Assert.Equal("not connected", await Progress(browser));
    }

    private static async Task Press(Browser browser, string key, int done)
    {
        await browser.Page.Keyboard.PressAsync(key);
        await Shown(browser, done);
    }

    // A pair takes votes once both of its pictures are there.
    private static Task Shown(Browser browser, int done) => Until(browser, $"document.getElementById('progress').textContent.startsWith('{done} of 6') && !document.getElementById('left').disabled");

    private static Task<string> Progress(Browser browser) => Of<string>(browser, "document.getElementById('progress').textContent");

    private static Task<T> Of<T>(Browser browser, string expression) => browser.Page.EvaluateExpressionAsync<T>(expression);

    private static async Task Until(Browser browser, string expression)
    {
        try
        {
            await browser.Page.WaitForExpressionAsync(expression, new WaitForFunctionOptions { Timeout = 30_000, PollingInterval = 20 });
        }
        catch (WaitTaskTimeoutException)
        {
            Assert.Fail($"it never came to be that {expression}; the page shows {await Of<string>(browser, "document.body.innerText")} and complains {string.Join("; ", browser.Complaints)}");
        }
    }

    private static async Task Screenshot(Browser browser, string name)
    {
        if (Environment.GetEnvironmentVariable("LEAPALIGN_SCREENSHOTS") is { Length: > 0 } folder) await browser.Page.ScreenshotAsync(Path.Combine(folder, name));
    }
}
